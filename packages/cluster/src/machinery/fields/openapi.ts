/** Schemas of custom resources from the structural schema of their definition. */
import { isObject } from "../json.ts";
import type { FieldSchema } from "./schema.ts";

const any: FieldSchema = { type: "any" };

/** Fields that every object has, whatever its schema says. */
const common = ["apiVersion", "kind", "metadata"];

/** Only structure is looked at: types of values are another matter for custom resources. */
export function schemaOfOpenApi(schema: unknown): FieldSchema {
  const root = structure(schema);
  if (root.type !== "struct") return root;
  return { ...root, field: (name) => (common.includes(name) ? any : root.field(name)) };
}

function structure(schema: unknown): FieldSchema {
  if (!isObject(schema) || schema["x-kubernetes-preserve-unknown-fields"] || schema["x-kubernetes-embedded-resource"])
    return any;
  if (schema.type === "array") return { type: "array", goType: "array", items: structure(schema.items) };
  if (isObject(schema.additionalProperties))
    return { type: "map", goType: "object", values: structure(schema.additionalProperties) };
  if (schema.type !== "object" || schema.additionalProperties === true) return any;
  const fields = isObject(schema.properties) ? schema.properties : {};
  return {
    type: "struct",
    goType: "object",
    field: (name) => (Object.hasOwn(fields, name) ? structure(fields[name]) : undefined),
  };
}
