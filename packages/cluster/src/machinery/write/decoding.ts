/** Reading a request's object as its kind: what does not fit is refused with the name of the kind, or with the patch that made it. */
import { DecodeError, type StatusError } from "../errors.ts";
import { findUnknownFields } from "../fields/check.ts";
import type { FieldSchema } from "../fields/schema.ts";
import type { ResourceRow } from "../resources/row.ts";
import type { RequestOptions } from "../store.ts";
import type { ApiObject } from "../types.ts";
import { invalid, invalidObject } from "../validation/field-error.ts";
import { badRequest } from "./refusals.ts";

export interface DecodeOptions extends Pick<RequestOptions, "fieldValidation"> {
  /** For a patch: how a refusal of the patched object quotes it. */
  readonly quotePatch?: ((patched: ApiObject) => string) | undefined;
}

/** Unknown fields are dropped, told or refused, as the request asks. Throws BadRequest, or Invalid for a patch. */
export function readFields(
  row: ResourceRow,
  draft: ApiObject,
  schema: FieldSchema,
  { fieldValidation, quotePatch }: DecodeOptions,
  warn: (message: string) => void,
): void {
  const refuse = (why: string) => (quotePatch ? unpatchable(quotePatch(draft), why) : undecodable(row, why));
  const unknown = decoding(refuse, () => findUnknownFields(draft, schema));
  if (unknown.length === 0) return;
  const messages = unknown.map(({ path }) => `unknown field ${JSON.stringify(path)}`);
  if (fieldValidation === "Strict") throw refuse(`strict decoding error: ${messages.join(", ")}`);
  if (fieldValidation !== "Ignore") messages.forEach(warn);
  for (const field of unknown) field.remove();
}

/** Turns a DecodeError of `read` into a refusal. */
export function decoding<T>(refuse: (why: string) => StatusError, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof DecodeError ? refuse(error.message) : error;
  }
}

export const undecodable = ({ kind, version }: ResourceRow, why: string): StatusError =>
  badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${why}`);

const unpatchable = (quote: string, why: string) => invalidObject("", "", [invalid("patch", quote, why)]);
