/** Schemas of the built-in kinds from the generated models of a Kubernetes client, which name every field with its type. */
import type { FieldSchema, SchemaSource } from "./schema.ts";

export interface ModelField {
  readonly name: string;
  /** As the client writes it: `string`, `Array<V1Container>`, `{ [key: string]: string; }`. */
  readonly type: string;
  readonly format: string;
}

/** Reads a model by name, such as `V1Pod`; undefined when there is none. */
export type ModelReader = (name: string) => { readonly properties: readonly ModelField[] } | undefined;

export function schemasOfModels(readModel: ModelReader): SchemaSource {
  const structs = new Map<string, FieldSchema | undefined>();
  const struct = (model: string): FieldSchema | undefined => {
    if (!structs.has(model))
      structs.set(
        model,
        structOf(model, readModel, (name) => struct(name) ?? any),
      );
    return structs.get(model);
  };
  return {
    schemaOf({ group, version, kind }) {
      const plain = `${capitalized(version)}${kind}`;
      // A name that two groups share is told apart by its group; the plain one is then somebody else's.
      return struct(`${capitalized(group.split(".")[0] || "core")}${plain}`) ?? struct(plain);
    },
  };
}

const any: FieldSchema = { type: "any" };

const capitalized = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

type Refer = (model: string) => FieldSchema;

function structOf(model: string, readModel: ModelReader, refer: Refer): FieldSchema | undefined {
  const found = readModel(model);
  if (!found) return undefined;
  const types = new Map(found.properties.map((property) => [property.name, property]));
  const known = new Map<string, FieldSchema>();
  return {
    type: "struct",
    goType: goName(model),
    field(name) {
      const property = types.get(name);
      if (property && !known.has(name)) known.set(name, fieldType(model, property, refer));
      return known.get(name);
    },
  };
}

/** The client calls a quantity a string, but Kubernetes takes a number too (`cpu: 1`). */
const quantityFields = new Set([
  "limits",
  "requests",
  "capacity",
  "allocatable",
  "allocatedResources",
  "overhead",
  "hard",
  "used",
  "default",
  "defaultRequest",
  "min",
  "max",
  "maxLimitRequestRatio",
  "sizeLimit",
  "divisor",
  "averageValue",
]);
const quantity: FieldSchema = { type: "quantity", goType: "resource.Quantity" };

function fieldType(model: string, { name, type, format }: ModelField, refer: Refer): FieldSchema {
  const isQuantity = quantityFields.has(name) || (name === "value" && model.startsWith("V2Metric"));
  if (isQuantity && type === "string") return quantity;
  if (isQuantity && type.endsWith(": string; }")) return { type: "map", values: quantity, goType: "v1.ResourceList" };
  return typeOf(type, format, refer);
}

/** `V1PodSpec` is Go's `v1.PodSpec`. */
const goName = (model: string) =>
  model.replace(/^(?:[A-Z][a-z]+)?(V\d+(?:alpha\d+|beta\d+)?)(?=[A-Z])/, (_, version) => `${version.toLowerCase()}.`);

const scalars: Readonly<Record<string, FieldSchema>> = {
  string: { type: "string", goType: "string" },
  boolean: { type: "boolean", goType: "bool" },
  IntOrString: { type: "intOrString", goType: "intstr.IntOrString" },
  Date: { type: "string", goType: "v1.Time" },
  V1MicroTime: { type: "string", goType: "v1.MicroTime" },
  any,
  object: any,
};

function typeOf(type: string, format: string, refer: Refer): FieldSchema {
  const list = /^Array<(.*)>$/.exec(type)?.[1];
  if (list !== undefined) {
    const items = typeOf(list, format, refer);
    return { type: "array", items, goType: `[]${goTypeOf(items)}` };
  }
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type)?.[1];
  if (map !== undefined) {
    const values = typeOf(map, format, refer);
    return { type: "map", values, goType: `map[string]${goTypeOf(values)}` };
  }
  if (type === "number") return numberOf(format);
  return scalars[type] ?? refer(type);
}

const goTypeOf = (schema: FieldSchema) => (schema.type === "any" ? "interface {}" : schema.goType);

const numberOf = (format: string): FieldSchema =>
  format.startsWith("int") ? { type: "integer", goType: format } : { type: "number", goType: "float64" };
