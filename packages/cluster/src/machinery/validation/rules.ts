/** Rules that many kinds use. Each returns the refusals of one field; an absent field is fine unless the rule says otherwise. */
import { jsonEqual } from "../json.ts";
import type { ApiObject } from "../types.ts";
import { duplicate, type FieldError, invalid, notSupported, required } from "./field-error.ts";
import { labelProblems } from "./names.ts";

export const isSet = (value: unknown): boolean =>
  value !== undefined && value !== null && value !== "" && !(Array.isArray(value) && value.length === 0);

export const present = (field: string, value: unknown, detail = ""): FieldError[] =>
  isSet(value) ? [] : [required(field, detail)];

export const oneOf = (field: string, value: unknown, supported: readonly string[]): FieldError[] =>
  value === undefined || supported.includes(value as string) ? [] : [notSupported(field, value, supported)];

export const notNegative = (field: string, value: unknown): FieldError[] =>
  value === undefined || Number(value) >= 0 ? [] : [invalid(field, value, "must be greater than or equal to 0")];

export const positive = (field: string, value: unknown): FieldError[] =>
  value === undefined || Number(value) > 0 ? [] : [invalid(field, value, "must be greater than 0")];

const isPort = (value: unknown) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65535;

export const portNumber = (field: string, value: unknown): FieldError[] =>
  isPort(value) ? [] : [invalid(field, value ?? 0, "must be between 1 and 65535, inclusive")];

/** A number in range, or the name of a container's port. */
export const portReference = (field: string, value: unknown): FieldError[] =>
  typeof value === "string" ? portName(field, value) : portNumber(field, value);

/** IANA service names, as ports of containers have. */
export function portName(field: string, value: unknown): FieldError[] {
  if (!isSet(value)) return [];
  const name = String(value);
  const problems = [
    ...(name.length > 15 ? ["must be no more than 15 characters"] : []),
    ...(/^[-a-z0-9]+$/.test(name) ? [] : ["must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"]),
    ...(/[a-z]/.test(name) ? [] : ["must contain at least one letter (a-z)"]),
    ...(name.includes("--") ? ["must not contain consecutive hyphens"] : []),
    ...(/^-|-$/.test(name) ? ["must not begin or end with a hyphen"] : []),
  ];
  return problems.map((problem) => invalid(field, name, problem));
}

const percentProblem =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

/** A count, or a percentage, which may have to be a part of the whole. */
export function validateAmount(field: string, value: unknown, isPart = false): FieldError[] {
  if (typeof value !== "string") return notNegative(field, value);
  if (!/^\d+%$/.test(value)) return [invalid(field, value, percentProblem)];
  return isPart && Number.parseInt(value, 10) > 100 ? [invalid(field, value, "must not be greater than 100%")] : [];
}

/** A required DNS label. */
export const labelName = (field: string, value: unknown): FieldError[] =>
  isSet(value) ? labelProblems(String(value)).map((problem) => invalid(field, value, problem)) : [required(field)];

/** No two items with the same value of `key`. */
export function distinct(field: string, list: readonly ApiObject[], key: string): FieldError[] {
  const seen = new Set<unknown>();
  return list.flatMap((item, index) => {
    const value = item[key];
    if (!isSet(value)) return [];
    if (seen.has(value)) return [duplicate(`${field}[${index}].${key}`, value)];
    seen.add(value);
    return [];
  });
}

export const immutable = (field: string, value: unknown, old: unknown, detail = "field is immutable"): FieldError[] =>
  jsonEqual(value, old) ? [] : [invalid(field, value, detail)];

/** Applies rules to each item of a list, with the item's own path. */
export const each = (
  field: string,
  list: readonly ApiObject[],
  rules: (path: string, item: ApiObject) => readonly FieldError[],
): FieldError[] => list.flatMap((item, index) => rules(`${field}[${index}]`, item));
