/**
 * Values of custom resources against the structural schema of their definition, refused in the words of Kubernetes. As in Kubernetes, a value that an update leaves as it was is not refused again.
 */
import { isObject, type JsonObject, jsonEqual } from "../json.ts";
import { brokenRules } from "./expressions.ts";
import { type FieldError, invalid, notSupported, required, tooLong, tooMany } from "./field-error.ts";

interface Place {
  readonly path: string;
  readonly old: unknown;
}

type Check = (value: never, rule: never, place: Place) => FieldError | undefined;

/** Every violation in `object`; its apiVersion, kind and metadata are not the schema's to judge. */
export function violations(object: JsonObject, schema: unknown, old?: JsonObject): readonly FieldError[] {
  if (!isObject(schema)) return [];
  const properties = isObject(schema.properties) ? schema.properties : {};
  const { apiVersion: _, kind: __, metadata: ___, ...own } = properties;
  return check(object, { ...schema, properties: own }, { path: "", old });
}

function check(value: unknown, schema: unknown, place: Place): readonly FieldError[] {
  if (!isObject(schema) || value === undefined) return [];
  if (place.old !== undefined && jsonEqual(value, place.old)) return [];
  if (value === null && schema.nullable === true) return [];
  const type = typeError(value, schema, place.path);
  if (type !== undefined) return [type];
  const errors = [...ownErrors(value, schema, place), ...innerErrors(value, schema, place)];
  // Rules may rely on what the schema promises.
  return errors.length > 0 ? errors : brokenRules(place.path, value, place.old, schema);
}

function ownErrors(value: unknown, schema: JsonObject, place: Place): FieldError[] {
  return Object.entries(rules).flatMap(([name, [kind, test]]) => {
    const rule = schema[name];
    if (rule === undefined || (kind !== "any" && kind !== kindOf(value))) return [];
    return test(value as never, rule as never, place) ?? [];
  });
}

function innerErrors(value: unknown, schema: JsonObject, { path, old }: Place): readonly FieldError[] {
  if (Array.isArray(value))
    return value.flatMap((item, i) => check(item, schema.items, { path: `${path}[${i}]`, old: at(old, i) }));
  if (!isObject(value)) return [];
  const properties = isObject(schema.properties) ? schema.properties : {};
  const missing = ((schema.required as string[] | undefined) ?? []).filter((name) => value[name] === undefined);
  return [
    ...missing.map((name) => required(join(path, name))),
    ...Object.entries(value).flatMap(([name, inner]) =>
      check(inner, properties[name] ?? schema.additionalProperties, { path: join(path, name), old: at(old, name) }),
    ),
  ];
}

const at = (container: unknown, key: string | number): unknown =>
  typeof container === "object" && container !== null ? (container as JsonObject)[key] : undefined;

const join = (path: string, name: string): string => (path === "" ? name : `${path}.${name}`);

/** A JSON value's kind as OpenAPI names it; whole numbers are integers. */
function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function typeError(value: unknown, schema: JsonObject, path: string): FieldError | undefined {
  const kind = kindOf(value);
  if (schema["x-kubernetes-int-or-string"] === true)
    return kind === "integer" || kind === "string" ? undefined : mistyped(path, "integer,string", kind);
  const { type } = schema;
  if (typeof type !== "string" || type === "" || type === kind || (type === "number" && kind === "integer"))
    return undefined;
  return mistyped(path, type, kind);
}

const mistyped = (path: string, wanted: string, kind: string): FieldError =>
  invalid(path, kind, `${inBody(path)} must be of type ${wanted}: ${JSON.stringify(kind)}`);

const inBody = (path: string): string => `${path} in body`;

/** The refusal that `value` breaks a rule, unless it keeps it. */
const unless = (isKept: boolean, value: unknown, { path }: Place, rule: string): FieldError | undefined =>
  isKept ? undefined : invalid(path, value, `${inBody(path)} should ${rule}`);

const length = (text: string): number => [...text].length;

/** Rules by keyword: for which kind of value, and what they say. `number` rules hold for integers through `numeric`. */
const rules: Readonly<Record<string, readonly [kind: string, test: Check]>> = {
  enum: [
    "any",
    (value: unknown, allowed: unknown[], { path }) =>
      allowed.some((each) => jsonEqual(each, value)) ? undefined : notSupported(path, value, allowed.map(enumText)),
  ],
  minimum: [
    "any",
    (value: unknown, least: number, place) =>
      numeric(value, (n) => n >= least, place, `be greater than or equal to ${least}`),
  ],
  maximum: [
    "any",
    (value: unknown, most: number, place) =>
      numeric(value, (n) => n <= most, place, `be less than or equal to ${most}`),
  ],
  multipleOf: [
    "any",
    (value: unknown, factor: number, place) =>
      numeric(value, (n) => Number.isInteger(n / factor), place, `be a multiple of ${factor}`),
  ],
  minLength: [
    "string",
    (value: string, least: number, place) =>
      unless(length(value) >= least, value, place, `be at least ${least} chars long`),
  ],
  maxLength: [
    "string",
    (value: string, most: number, { path }) => (length(value) <= most ? undefined : tooLong(path, most)),
  ],
  pattern: [
    "string",
    (value: string, pattern: string, place) =>
      unless(compile(pattern)?.test(value) ?? true, value, place, `match '${pattern}'`),
  ],
  format: [
    "string",
    (value: string, format: string, { path }) =>
      formats[format]?.(value) === false
        ? invalid(path, value, `${inBody(path)} must be of type ${format}: ${JSON.stringify(value)}`)
        : undefined,
  ],
  minItems: [
    "array",
    (value: unknown[], least: number, place) =>
      unless(value.length >= least, value.length, place, `have at least ${least} items`),
  ],
  maxItems: [
    "array",
    (value: unknown[], most: number, { path }) =>
      value.length <= most ? undefined : tooMany(path, value.length, most),
  ],
  uniqueItems: [
    "array",
    (value: unknown[], isUnique: boolean, place) =>
      unless(!isUnique || isSet(value), value, place, "not contain duplicates"),
  ],
  minProperties: [
    "object",
    (value: object, least: number, place) =>
      unless(Object.keys(value).length >= least, Object.keys(value).length, place, `have at least ${least} properties`),
  ],
  maxProperties: [
    "object",
    (value: object, most: number, { path }) =>
      Object.keys(value).length <= most ? undefined : tooMany(path, Object.keys(value).length, most),
  ],
};

const numeric = (value: unknown, holds: (value: number) => boolean, place: Place, rule: string) =>
  typeof value === "number" ? unless(holds(value), value, place, rule) : undefined;

const enumText = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

const isSet = (items: readonly unknown[]): boolean =>
  new Set(items.map((item) => JSON.stringify(item))).size === items.length;

/** Go's syntax is nearly JavaScript's; a pattern that JavaScript does not know is not enforced. */
function compile(pattern: string): RegExp | undefined {
  try {
    return new RegExp(pattern, "u");
  } catch {
    return undefined;
  }
}

const formats: Readonly<Record<string, (text: string) => boolean>> = {
  "date-time": (text) => /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(text),
  date: (text) => /^\d{4}-\d\d-\d\d$/.test(text),
  email: (text) => /^[^@\s]+@[^@\s]+$/.test(text),
  ipv4: (text) => /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.|$)){4}$/.test(text),
  uuid: (text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text),
};
