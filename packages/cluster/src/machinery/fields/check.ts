/** Reads an object against its schema, as a typed program would: unknown fields are reported, values of a wrong type refused. */
import { DecodeError } from "../errors.ts";
import { isObject, type JsonObject } from "../json.ts";
import type { FieldSchema } from "./schema.ts";

/** Where a value is: with indexes for people, without for Go's wording, and in which struct. */
interface Place {
  readonly path: string;
  readonly goPath: string;
  readonly struct: string;
}

export interface UnknownField {
  readonly path: string;
  /** Takes it out of the object. */
  remove(): void;
}

/** The fields of `object` that its kind does not have. Throws DecodeError for a value of a wrong type, worded as Kubernetes does. */
export function findUnknownFields(object: JsonObject, schema: FieldSchema): readonly UnknownField[] {
  const unknown: UnknownField[] = [];
  read(object, schema, { path: "", goPath: "", struct: "" }, unknown);
  return unknown;
}

function read(value: unknown, schema: FieldSchema, place: Place, unknown: UnknownField[]): void {
  if (schema.type === "any" || value === null || value === undefined) return;
  if (!accepts[schema.type](value)) throw mismatch(value, schema.goType, place);
  if (schema.type === "array") readItems(value as unknown[], schema.items, place, unknown);
  else if (schema.type === "map") readValues(value as JsonObject, schema.values, place, unknown);
  else if (schema.type === "struct") readFields(value as JsonObject, schema, place, unknown);
}

const accepts: Readonly<Record<Exclude<FieldSchema["type"], "any">, (value: unknown) => boolean>> = {
  string: (value) => typeof value === "string",
  boolean: (value) => typeof value === "boolean",
  integer: (value) => Number.isInteger(value),
  number: (value) => typeof value === "number",
  intOrString: (value) => typeof value === "string" || Number.isInteger(value),
  quantity: (value) => typeof value === "string" || typeof value === "number",
  array: Array.isArray,
  map: isObject,
  struct: isObject,
};

function readItems(list: readonly unknown[], items: FieldSchema, place: Place, unknown: UnknownField[]): void {
  for (const [index, item] of list.entries()) read(item, items, { ...place, path: `${place.path}[${index}]` }, unknown);
}

function readValues(map: JsonObject, values: FieldSchema, place: Place, unknown: UnknownField[]): void {
  for (const key of Object.keys(map)) read(map[key], values, { ...place, path: join(place.path, key) }, unknown);
}

function readFields(
  object: JsonObject,
  schema: FieldSchema & { type: "struct" },
  place: Place,
  unknown: UnknownField[],
): void {
  const struct = schema.goType.split(".").at(-1) as string;
  for (const name of Object.keys(object)) {
    const path = join(place.path, name);
    const field = schema.field(name);
    if (field) read(object[name], field, { path, goPath: join(place.goPath, name), struct }, unknown);
    else unknown.push({ path, remove: () => delete object[name] });
  }
}

const join = (path: string, name: string) => (path === "" ? name : `${path}.${name}`);

const describe = (value: unknown) => {
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  return typeof value === "number" && !Number.isInteger(value) ? `number ${value}` : typeof value;
};

/** In the words of Go's decoder, which people know from Kubernetes. */
const mismatch = (value: unknown, goType: string, { struct, goPath }: Place) =>
  new DecodeError(
    `json: cannot unmarshal ${describe(value)} into Go struct field ${struct}.${goPath} of type ${goType}`,
  );
