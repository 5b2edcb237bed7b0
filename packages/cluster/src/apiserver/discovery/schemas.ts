/** OpenAPI component schemas made of models: what `kubectl explain` shows. */
import type { ResourceDescriptor } from "../../machinery/store.ts";
import type { Model, ModelProperty, ReadModel } from "./models.ts";

export type Schema = Readonly<Record<string, unknown>>;

const componentPrefix = "#/components/schemas/";

const intOrString = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";

/** The schemas of `resources` and of everything they refer to, by component name. */
export function schemasFor(readModel: ReadModel, resources: readonly ResourceDescriptor[]): Record<string, Schema> {
  const schemas: Record<string, Schema> = { [intOrString]: { type: "string", format: "int-or-string" } };
  const pending: string[] = [];
  const refer = (model: string): string => {
    pending.push(model);
    return `${componentPrefix}${componentName(model)}`;
  };
  for (const resource of resources) {
    const name = modelNames(resource).find((candidate) => readModel(candidate) !== undefined);
    const model = name === undefined ? undefined : readModel(name);
    if (name === undefined || model === undefined) continue;
    const { group, version, kind } = resource;
    schemas[componentName(name)] = {
      ...toSchema(model, refer),
      "x-kubernetes-group-version-kind": [{ group, version, kind }],
    };
  }
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (schemas[componentName(name)] !== undefined) continue;
    const model = readModel(name);
    schemas[componentName(name)] = model === undefined ? { type: "object" } : toSchema(model, refer);
  }
  return schemas;
}

/** What the client may call a kind: `V1Pod`, or `CoreV1Event` where groups share a name. */
function modelNames({ group, version, kind }: ResourceDescriptor): string[] {
  const plain = `${capitalized(version)}${kind}`;
  return [plain, `${capitalized(group.split(".")[0] || "core")}${plain}`];
}

const capitalized = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** `V1Pod` is `io.k8s.api.v1.Pod`, `CoreV1Event` is `io.k8s.api.core.v1.Event`. Explain shows the last part. */
export function componentName(model: string): string {
  const match = /^([A-Z][a-z]+)?(V\d+(?:(?:alpha|beta)\d+)?)([A-Z].*)$/.exec(model);
  if (match === null) return `io.k8s.api.${model}`;
  const [, group, version = "", kind = ""] = match;
  return ["io.k8s.api", group, version, kind]
    .filter(Boolean)
    .map((part, i) => (i < 3 && part !== kind ? part?.toLowerCase() : part))
    .join(".");
}

type Refer = (model: string) => string;

function toSchema({ description, properties }: Model, refer: Refer): Schema {
  const required = properties.filter(({ isRequired }) => isRequired).map(({ name }) => name);
  return {
    ...(description && { description }),
    type: "object",
    properties: Object.fromEntries(properties.map((property) => [property.name, propertySchema(property, refer)])),
    ...(required.length > 0 && { required }),
  };
}

function propertySchema({ type, format, description }: ModelProperty, refer: Refer): Schema {
  const schema = typeSchema(type, format, refer);
  const described = description ? { description } : {};
  // OpenAPI ignores what stands beside a $ref.
  return "$ref" in schema ? { ...described, allOf: [schema], default: {} } : { ...described, ...schema };
}

const scalars: Readonly<Record<string, Schema>> = {
  string: { type: "string" },
  boolean: { type: "boolean" },
  any: { type: "object" },
  object: { type: "object" },
};

function typeSchema(type: string, format: string, refer: Refer): Schema {
  const list = /^Array<(.*)>$/.exec(type)?.[1];
  if (list !== undefined) return { type: "array", items: typeSchema(list, format, refer) };
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type)?.[1];
  if (map !== undefined) return { type: "object", additionalProperties: typeSchema(map, format, refer) };
  if (type === "number") return { type: format.startsWith("int") ? "integer" : "number", ...(format && { format }) };
  if (type === "Date" || type === "V1MicroTime") return { type: "string", format: "date-time" };
  if (type === "IntOrString") return { $ref: `${componentPrefix}${intOrString}` };
  const scalar = scalars[type];
  if (scalar === undefined) return { $ref: refer(type) };
  return format === "" ? scalar : { ...scalar, format };
}
