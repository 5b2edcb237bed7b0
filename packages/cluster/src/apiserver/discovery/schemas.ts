/** OpenAPI component schemas made of documented types: what `kubectl explain` shows. */
import type { ResourceDescriptor } from "../../machinery/store.ts";
import type { DocumentedField, DocumentedType, ReadType } from "./documented-types.ts";

export type Schema = Readonly<Record<string, unknown>>;

/** Descriptions of fields that every kind has and no type declares: apiVersion and kind. */
export type CommonFields = Readonly<Record<string, string>>;

const componentPrefix = "#/components/schemas/";
const machinery = "@kubernetes-models/apimachinery/";
const models = "kubernetes-models/";

/** The schemas of `resources` and of everything they refer to, by component name. */
export function schemasFor(
  readType: ReadType,
  resources: readonly ResourceDescriptor[],
  common: CommonFields = {},
): Record<string, Schema> {
  const schemas: Record<string, Schema> = {};
  const needed: string[] = [];
  const sources: Sources = { refer: (address) => needed.push(address), readType, common };
  for (const resource of resources) {
    const { group, version, kind } = resource;
    const address = addressOfKind(resource);
    const type = readType(address);
    if (type === undefined) continue;
    schemas[componentName(address)] = {
      ...structSchema(type, sources),
      "x-kubernetes-group-version-kind": [{ group, version, kind }],
    };
  }
  return { ...typesFor(readType, needed), ...schemas };
}

/** The schemas of types by address, and of everything they refer to. */
export function typesFor(readType: ReadType, addresses: readonly string[]): Record<string, Schema> {
  const schemas: Record<string, Schema> = {};
  const pending = [...addresses];
  const sources: Sources = { refer: (address) => pending.push(address), readType, common: {} };
  for (let address = pending.pop(); address !== undefined; address = pending.pop()) {
    const name = componentName(address);
    schemas[name] ??= componentSchema(address, sources);
  }
  return schemas;
}

/** The type of every object's metadata. */
export const objectMeta = `${machinery}apis/meta/v1/ObjectMeta`;

/** OpenAPI ignores what stands beside a $ref, so a field that is described has it in a list of one. */
export const referenceTo = (address: string): Schema => ({ allOf: [plainReference(address)], default: {} });

const plainReference = (address: string): Schema => ({ $ref: `${componentPrefix}${componentName(address)}` });

const addressOfKind = ({ group, version, kind }: ResourceDescriptor): string =>
  ["kubernetes-models", group, version, kind].filter(Boolean).join("/");

/** `kubernetes-models/apps/v1/Deployment` is `io.k8s.api.apps.v1.Deployment`. Explain shows the last part. */
export function componentName(address: string): string {
  if (address.startsWith(machinery))
    return `io.k8s.apimachinery.pkg.${address.slice(machinery.length).replaceAll("/", ".")}`;
  const [kind = "", version = "", group = "core"] = address.slice(models.length).split("/").toReversed();
  if (group === "apiextensions.k8s.io")
    return `io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.${version}.${kind}`;
  return `io.k8s.api.${group.split(".")[0]}.${version}.${kind}`;
}

interface Sources {
  /** Notes that a type is needed. */
  readonly refer: (address: string) => void;
  readonly readType: ReadType;
  readonly common: CommonFields;
}

/** Types whose JSON is not what their declaration says. */
const special: Readonly<Record<string, Schema>> = {
  IntOrString: { format: "int-or-string", oneOf: [{ type: "integer" }, { type: "string" }] },
  Quantity: { oneOf: [{ type: "string" }, { type: "number" }] },
};

function componentSchema(address: string, sources: Sources): Schema {
  const type = sources.readType(address);
  if (type === undefined) return { type: "object" };
  const schema = special[address.split("/").at(-1) as string];
  if (schema === undefined) return structSchema(type, sources);
  return { ...(type.description && { description: type.description }), ...schema };
}

function structSchema(type: DocumentedType, sources: Sources): Schema {
  const { description, fields = [] } = type;
  const required = fields.filter(({ name, isRequired }) => isRequired && !isCommon(name, type)).map(({ name }) => name);
  const properties = fields.map((field) => [field.name, fieldSchema(field, type, sources)]);
  return {
    ...(description && { description }),
    type: "object",
    ...(properties.length > 0 && { properties: Object.fromEntries(properties) }),
    ...(required.length > 0 && { required }),
  };
}

/** Kinds declare `apiVersion: "apps/v1"`; a reference to another object has a plain string there. */
const isCommon = (name: string, { fields = [] }: DocumentedType): boolean =>
  (name === "apiVersion" || name === "kind") &&
  fields.some((field) => field.name === name && field.type.startsWith('"'));

function fieldSchema(field: DocumentedField, type: DocumentedType, sources: Sources): Schema {
  if (isCommon(field.name, type)) return { ...describedBy(sources.common[field.name]), type: "string" };
  const schema = typeSchema(field.type, type, sources);
  return { ...describedBy(field.description), ...("$ref" in schema ? { allOf: [schema], default: {} } : schema) };
}

const describedBy = (description: string | undefined): Schema => (description ? { description } : {});

const scalars: Readonly<Record<string, Schema>> = {
  string: { type: "string" },
  boolean: { type: "boolean" },
  number: { type: "integer" },
};

function typeSchema(text: string, owner: DocumentedType, sources: Sources): Schema {
  const list = /^Array<(.*)>$/.exec(text)?.[1];
  if (list !== undefined) return { type: "array", items: typeSchema(list, owner, sources) };
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(text)?.[1];
  if (map !== undefined) return { type: "object", additionalProperties: typeSchema(map, owner, sources) };
  if (text.startsWith('"')) return { type: "string", enum: text.split(" | ").map((value) => JSON.parse(value)) };
  const scalar = scalars[text];
  if (scalar !== undefined) return scalar;
  const address = owner.addressOf(text);
  return address === undefined ? { type: "object" } : referenceSchema(address, sources);
}

function referenceSchema(address: string, { refer }: Sources): Schema {
  if (/\/meta\/v1\/(Micro)?Time$/.test(address)) return { type: "string", format: "date-time" };
  refer(address);
  return plainReference(address);
}
