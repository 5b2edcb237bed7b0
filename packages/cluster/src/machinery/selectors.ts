/** Label selectors: kubectl's string syntax and the LabelSelector object, parsed once to a list of requirements. */
import type { LabelSelector } from "kubernetes-types/meta/v1.js";
import { StatusError } from "./errors.ts";

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

const keyPattern = "(?:[A-Za-z0-9](?:[-A-Za-z0-9.]*[A-Za-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?";
const valuePattern = "(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?";

/** The forms of one requirement, tried in order. */
const forms: readonly [RegExp, (key: string, operand: string) => Requirement][] = [
  [new RegExp(`^(${keyPattern})$`), (key) => ({ key, operator: "Exists", values: [] })],
  [new RegExp(`^!\\s*(${keyPattern})$`), (key) => ({ key, operator: "DoesNotExist", values: [] })],
  [
    new RegExp(`^(${keyPattern})\\s*==?\\s*(${valuePattern})$`),
    (key, value) => ({ key, operator: "In", values: [value] }),
  ],
  [
    new RegExp(`^(${keyPattern})\\s*!=\\s*(${valuePattern})$`),
    (key, value) => ({ key, operator: "NotIn", values: [value] }),
  ],
  [
    new RegExp(`^(${keyPattern})\\s+in\\s*\\(([^()]*)\\)$`),
    (key, list) => ({ key, operator: "In", values: splitValues(list) }),
  ],
  [
    new RegExp(`^(${keyPattern})\\s+notin\\s*\\(([^()]*)\\)$`),
    (key, list) => ({ key, operator: "NotIn", values: splitValues(list) }),
  ],
  [
    new RegExp(`^(${keyPattern})\\s*>\\s*(-?\\d+)$`),
    (key, bound) => ({ key, operator: "GreaterThan", values: [bound] }),
  ],
  [new RegExp(`^(${keyPattern})\\s*<\\s*(-?\\d+)$`), (key, bound) => ({ key, operator: "LessThan", values: [bound] })],
];

const splitValues = (list: string) => list.split(",").map((value) => value.trim());

/** Splits at commas outside parentheses. */
const splitRequirements = (text: string) =>
  text
    .split(/,(?![^()]*\))/)
    .map((part) => part.trim())
    .filter((part, _, all) => part !== "" || all.length > 1);

function parseRequirement(text: string, whole: string): Requirement {
  for (const [pattern, build] of forms) {
    const match = pattern.exec(text);
    if (match) return build(match[1] as string, match[2] ?? "");
  }
  throw new StatusError(
    "BadRequest",
    `unable to parse requirement: ${JSON.stringify(text)} is not a requirement of the label selector ${JSON.stringify(whole)}`,
  );
}

/** Parses kubectl's syntax, such as `app=web,tier in (a, b),!old`. Throws BadRequest. */
export const parseSelector = (text: string): Selector =>
  splitRequirements(text).map((part) => parseRequirement(part, text));

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
