/** Rows of custom resources, made of their definitions. */
import { hasRules } from "../cel/load.ts";
import { items } from "../defaults/fill.ts";
import { schemaOfOpenApi } from "../fields/openapi.ts";
import { isObject } from "../json.ts";
import { metadata } from "../shape/pod.ts";
import { granular, listBy, type Shape, setOfValues } from "../shape/shape.ts";
import type { ApiObject } from "../types.ts";
import { violations } from "../validation/structural.ts";
import { keyOfResource, type ResourceRow, type Strategy } from "./row.ts";
import { allVerbs } from "./table.ts";

/** The rows of a definition's served versions, the stored one first. */
export function rowsOfDefinition(definition: ApiObject): readonly ResourceRow[] {
  return items(definition.spec?.versions)
    .filter(({ served }) => served)
    .sort((a, b) => Number(b.storage ?? false) - Number(a.storage ?? false))
    .map((version) => rowOfVersion(definition.spec, version));
}

function rowOfVersion({ group, names, scope }: ApiObject, version: ApiObject): ResourceRow {
  const { plural, kind, singular, shortNames = [], categories = [] } = names;
  const subresources = ["scale", "status"].filter((name) => isObject(version.subresources?.[name]));
  return {
    key: keyOfResource({ group, plural }),
    group,
    version: version.name,
    kind,
    plural,
    singular,
    shortNames,
    categories,
    namespaced: scope === "Namespaced",
    verbs: allVerbs,
    subresources,
    strategy: strategyOf(version),
    shape: objectShape(version.schema?.openAPIV3Schema),
    fields: schemaOfOpenApi(version.schema?.openAPIV3Schema),
    isCustom: true,
    hasExpressions: hasRules(version.schema?.openAPIV3Schema),
  };
}

const strategyOf = ({ schema, selectableFields }: ApiObject): Strategy => ({
  hasGeneration: true,
  isVersionRequired: true,
  selectableFields: items(selectableFields).map(({ jsonPath }) => String(jsonPath).replace(/^\./, "")),
  defaults: (object) => applyDefaults(object, schema?.openAPIV3Schema),
  validate: (object, old) => violations(object, schema?.openAPIV3Schema, old),
});

const objectShape = (schema: unknown): Shape => ({ fields: { ...shapeOfSchema(schema).fields, metadata } });

/** Lists say how they merge by `x-kubernetes-list-type`; maps by `x-kubernetes-map-type`. */
function shapeOfSchema(schema: unknown): Shape {
  if (!isObject(schema)) return granular;
  if (schema["x-kubernetes-map-type"] === "atomic") return { isAtomic: true };
  if (schema["x-kubernetes-list-type"] === "set") return setOfValues;
  if (schema["x-kubernetes-list-type"] === "map")
    return listBy((schema["x-kubernetes-list-map-keys"] as string[] | undefined) ?? [], shapeOfSchema(schema.items));
  const fields = isObject(schema.properties) ? schema.properties : {};
  const values = isObject(schema.additionalProperties) ? { values: shapeOfSchema(schema.additionalProperties) } : {};
  return {
    fields: Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, shapeOfSchema(field)])),
    ...values,
  };
}

/** Fills in the `default`s of a structural schema. */
function applyDefaults(value: unknown, schema: unknown): void {
  if (!isObject(schema)) return;
  if (Array.isArray(value)) for (const item of value) applyDefaults(item, schema.items);
  if (!isObject(value) || !isObject(schema.properties)) return;
  for (const [name, field] of Object.entries(schema.properties)) {
    if (value[name] === undefined && isObject(field) && field.default !== undefined)
      value[name] = structuredClone(field.default);
    applyDefaults(value[name], field);
  }
}
