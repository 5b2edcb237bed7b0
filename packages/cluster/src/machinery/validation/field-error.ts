/** Refusals of single fields, worded as Kubernetes words them, and the Invalid status that carries them. */
import { type StatusCause, StatusError } from "../errors.ts";
import { isObject } from "../json.ts";

const titles = {
  FieldValueRequired: "Required value",
  FieldValueInvalid: "Invalid value",
  FieldValueNotSupported: "Unsupported value",
  FieldValueForbidden: "Forbidden",
  FieldValueDuplicate: "Duplicate value",
  FieldValueTooLong: "Too long",
  FieldValueTooMany: "Too many",
  FieldValueNotFound: "Not found",
} as const;

export interface FieldError {
  readonly reason: keyof typeof titles;
  readonly field: string;
  /** All that follows the field's name. */
  readonly body: string;
}

/** How Kubernetes prints the refused value: text quoted, the rest as JSON. */
const show = (value: unknown): string =>
  value === undefined || value === null ? "null" : JSON.stringify(value, (_, inner: unknown) => sortedMap(inner));

/** Go prints the keys of a map in order; what has only text in it is a map of labels or the like. */
function sortedMap(value: unknown): unknown {
  if (!isObject(value) || !Object.values(value).every((each) => typeof each === "string")) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const build = (reason: FieldError["reason"], field: string, value?: string, detail?: string): FieldError => ({
  reason,
  field,
  body: [titles[reason], value, detail].filter((part) => part !== undefined && part !== "").join(": "),
});

export const required = (field: string, detail = ""): FieldError =>
  build("FieldValueRequired", field, undefined, detail);
export const invalid = (field: string, value: unknown, detail: string): FieldError =>
  build("FieldValueInvalid", field, show(value), detail);
export const forbidden = (field: string, detail: string): FieldError =>
  build("FieldValueForbidden", field, undefined, detail);
export const duplicate = (field: string, value: unknown): FieldError =>
  build("FieldValueDuplicate", field, show(value));
export const notFound = (field: string, value: unknown): FieldError => build("FieldValueNotFound", field, show(value));
export const tooLong = (field: string, limit: number): FieldError =>
  build("FieldValueTooLong", field, undefined, `may not be more than ${limit} bytes`);
export const tooMany = (field: string, actual: number, limit: number): FieldError =>
  build("FieldValueTooMany", field, show(actual), `must have at most ${limit} item${limit === 1 ? "" : "s"}`);
export const notSupported = (field: string, value: unknown, supported: readonly string[]): FieldError =>
  build(
    "FieldValueNotSupported",
    field,
    show(value),
    `supported values: ${supported.map((item) => JSON.stringify(item)).join(", ")}`,
  );

const message = ({ field, body }: FieldError) => `${field}: ${body}`;

/** One error stands alone, several are bracketed, repeated ones are told once. */
const aggregate = (errors: readonly FieldError[]) => {
  const messages = [...new Set(errors.map(message))];
  return messages.length === 1 ? messages[0] : `[${messages.join(", ")}]`;
};

/** `kind` is qualified, such as `StatefulSet.apps`. */
export function invalidObject(kind: string, name: string, errors: readonly FieldError[]): StatusError {
  const [shortKind = "", ...group] = kind.split(".");
  const causes: StatusCause[] = errors.map(({ reason, field, body }) => ({ reason, message: body, field }));
  const details = { name, kind: shortKind, ...(group.length > 0 && { group: group.join(".") }), causes };
  return new StatusError("Invalid", `${kind} ${JSON.stringify(name)} is invalid: ${aggregate(errors)}`, details);
}
