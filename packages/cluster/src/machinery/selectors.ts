/** Label selectors: kubectl's string syntax and the LabelSelector object, parsed once to a list of requirements. */
import type { LabelSelector } from "kubernetes-types/meta/v1.js";
import { parseRequirements } from "./selector-parser.ts";

export type Labels = Readonly<Record<string, string>>;

export type Operator = "In" | "NotIn" | "Exists" | "DoesNotExist" | "GreaterThan" | "LessThan";

export interface Requirement {
  readonly key: string;
  readonly operator: Operator;
  readonly values: readonly string[];
}

/** All requirements must hold; the empty list selects everything. */
export type Selector = readonly Requirement[];

/** Selects nothing: what an absent LabelSelector means to most controllers. */
export const nothing: Selector = [{ key: "", operator: "In", values: [] }];

const tests: Record<Operator, (value: string | undefined, values: readonly string[]) => boolean> = {
  In: (value, values) => value !== undefined && values.includes(value),
  NotIn: (value, values) => value === undefined || !values.includes(value),
  Exists: (value) => value !== undefined,
  DoesNotExist: (value) => value === undefined,
  GreaterThan: (value, [bound]) => isInteger(value) && Number(value) > Number(bound),
  LessThan: (value, [bound]) => isInteger(value) && Number(value) < Number(bound),
};

const isInteger = (text: string | undefined): text is string => text !== undefined && /^-?\d+$/.test(text);

/** Whether the labels (an absent map has none) satisfy the selector. */
export const matchesSelector = (selector: Selector, labels: Labels | undefined): boolean =>
  selector.every(({ key, operator, values }) =>
    tests[operator](labels && Object.hasOwn(labels, key) ? labels[key] : undefined, values),
  );

/** Exact labels, as in a Service's `spec.selector`. */
export const selectorOfLabels = (labels: Labels): Selector =>
  Object.entries(labels).map(([key, value]) => ({ key, operator: "In", values: [value] }));

/** `{}` selects everything, an absent selector nothing. */
export function selectorOf(selector: LabelSelector | undefined): Selector {
  if (!selector) return nothing;
  const expressions = (selector.matchExpressions ?? []).map(({ key, operator, values }) => ({
    key,
    operator: operator as Operator,
    values: values ?? [],
  }));
  return [...selectorOfLabels(selector.matchLabels ?? {}), ...expressions];
}

/** Parses kubectl's syntax, such as `app=web,tier in (a, b),!old`. Throws BadRequest. */
export const parseSelector = (text: string): Selector => parseRequirements(text);

/** One requirement in kubectl's syntax. */
const formats: Readonly<Record<Operator, (key: string, values: readonly string[]) => string>> = {
  In: (key, values) => (values.length === 1 ? `${key}=${values[0]}` : `${key} in (${[...values].sort().join(",")})`),
  NotIn: (key, values) =>
    values.length === 1 ? `${key}!=${values[0]}` : `${key} notin (${[...values].sort().join(",")})`,
  Exists: (key) => key,
  DoesNotExist: (key) => `!${key}`,
  GreaterThan: (key, [bound]) => `${key}>${bound}`,
  LessThan: (key, [bound]) => `${key}<${bound}`,
};

/** A selector in kubectl's syntax, keys sorted. */
export const formatSelector = (selector: Selector): string =>
  [...selector]
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ key, operator, values }) => formats[operator](key, values))
    .join(",");
