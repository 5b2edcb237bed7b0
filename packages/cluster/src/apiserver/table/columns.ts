/** The words in which printers are written: columns with a function each, and cells that many kinds share. */

import type { Container, PodTemplateSpec } from "kubernetes-types/core/v1.js";
import type { LabelSelector, ObjectMeta } from "kubernetes-types/meta/v1.js";
import type { ApiObject, Stored } from "../../machinery/types.ts";
import { since } from "./duration.ts";
import type { Cell, Column, Printer } from "./table.ts";

export type CellOf<T> = (object: T, now: number) => Cell;

export interface PrinterColumn<T> extends Column {
  readonly cell: CellOf<T>;
}

export const column = <T>(name: string, cell: CellOf<T>, traits: Partial<Column> = {}): PrinterColumn<T> => ({
  name,
  type: "string",
  format: name === "Name" ? "name" : "",
  description: "",
  priority: 0,
  ...traits,
  cell,
});

/** A column of whole numbers. */
export const count = <T>(name: string, cell: CellOf<T>): PrinterColumn<T> => column(name, cell, { type: "integer" });

/** A column that only `-o wide` shows. */
export const wide = <T>(name: string, cell: CellOf<T>): PrinterColumn<T> => column(name, cell, { priority: 1 });

interface WithMetadata {
  readonly metadata?: ObjectMeta;
}

export const nameColumn = column<WithMetadata>("Name", ({ metadata }) => metadata?.name ?? "");
export const ageColumn = column<WithMetadata>("Age", ({ metadata }, now) => since(metadata?.creationTimestamp, now));
export const createdColumn = column<WithMetadata>("Created At", ({ metadata }) => metadata?.creationTimestamp ?? "", {
  type: "date",
});

/** Makes a printer of columns; the objects that it is given must be of that kind. */
export function printer<T extends object>(...columns: PrinterColumn<T>[]): Printer {
  const definitions = columns.map(({ cell: _, ...definition }) => definition);
  return {
    columns: definitions,
    cells: (object: Stored<ApiObject>, now) => columns.map(({ cell }) => cell(object as unknown as T, now)),
  };
}

export const none = "<none>";
export const unset = "<unset>";

/** At most three of `values`, and how many more there are. */
export function firstThree(values: readonly string[], total = values.length): string {
  const shown = values.slice(0, 3).join(",");
  return values.length > 3 ? `${shown} + ${total - 3} more...` : shown;
}

/** `a=b,c=d` in the order of keys. */
export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  const keys = Object.keys(labels ?? {}).sort();
  return keys.length === 0 ? none : keys.map((key) => `${key}=${labels?.[key]}`).join(",");
}

export function formatSelector(selector: LabelSelector | undefined): string {
  const labels = Object.entries(selector?.matchLabels ?? {}).map(([key, value]): [string, string] => [
    key,
    `${key}=${value}`,
  ]);
  const expressions = (selector?.matchExpressions ?? []).map((expression): [string, string] => [
    expression.key,
    formatExpression(expression.key, expression.operator, [...(expression.values ?? [])].sort()),
  ]);
  const terms = [...labels, ...expressions].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, text]) => text);
  return terms.length === 0 ? none : terms.join(",");
}

function formatExpression(key: string, operator: string, values: readonly string[]): string {
  const list = `(${values.join(",")})`;
  const forms: Record<string, string> = {
    In: `${key} in ${list}`,
    NotIn: `${key} notin ${list}`,
    Exists: key,
    DoesNotExist: `!${key}`,
  };
  return forms[operator] ?? "";
}

interface Templated {
  readonly spec?: { readonly template?: PodTemplateSpec };
}

const joined = (containers: readonly Container[] | undefined, field: "name" | "image"): string =>
  (containers ?? []).map((container) => container[field] ?? "").join(",");

/** Wide columns of what runs pods. */
export const containersColumn = wide<Templated>("Containers", ({ spec }) =>
  joined(spec?.template?.spec?.containers, "name"),
);
export const imagesColumn = wide<Templated>("Images", ({ spec }) => joined(spec?.template?.spec?.containers, "image"));
export const selectorColumn = wide<{ readonly spec?: { readonly selector?: LabelSelector } }>("Selector", ({ spec }) =>
  formatSelector(spec?.selector),
);

const shortModes: Readonly<Record<string, string>> = {
  ReadWriteOnce: "RWO",
  ReadOnlyMany: "ROX",
  ReadWriteMany: "RWX",
  ReadWriteOncePod: "RWOP",
};

/** Access modes in Kubernetes' fixed order, each once. */
export const formatAccessModes = (modes: readonly string[] | undefined): string =>
  Object.entries(shortModes)
    .filter(([mode]) => modes?.includes(mode))
    .map(([, short]) => short)
    .join(",");
