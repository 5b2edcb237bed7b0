/** The OpenAPI documents: which operations exist (so that kubectl knows that fields are validated here) and what the kinds consist of. */
import { faultSchema } from "../../faults/schema.ts";
import { faultResource } from "../../faults/types.ts";
import { keyOfResource } from "../../machinery/resources/row.ts";
import type { ResourceDescriptor } from "../../machinery/store.ts";
import type { Registry } from "../../machinery/types.ts";
import type { ApiContext, Call } from "../context.ts";
import { noSuchRoute } from "../http/refusals.ts";
import { sendBytes, sendJson, sendLarge } from "../http/respond.ts";
import { serverVersion } from "../version.ts";
import { groupVersion, type ServedGroup, servedGroups } from "./catalogue.ts";
import { openDocumentedTypes } from "./documented-types.ts";
import { openModels } from "./models.ts";
import { emptyDocument, protoMediaType, wantsProto } from "./openapi-v2-proto.ts";
import { type CommonFields, objectMeta, referenceTo, type Schema, schemasFor, typesFor } from "./schemas.ts";

const info = { title: "Kubernetes", version: serverVersion.gitVersion };
const readType = openDocumentedTypes();

/** `/openapi/v2` (operations only), `/openapi/v3` (the index) and `/openapi/v3/GROUP-VERSION-PATH`. */
export async function serveOpenApi({ store }: ApiContext, { request, response, info: { path } }: Call): Promise<void> {
  const groups = servedGroups(store.descriptors());
  if (path === "/openapi/v3") return sendJson(response, 200, index(groups));
  if (path === "/openapi/v2" && wantsProto(request))
    return sendBytes(response, 200, emptyDocument(info), protoMediaType);
  if (path === "/openapi/v2")
    return sendJson(response, 200, { swagger: "2.0", info, paths: pathsOf(groups.flatMap(allResources), 2) });
  const resources = groups.flatMap(({ group, versions }) =>
    versions
      .filter(({ version }) => path === `/openapi/v3/${addressOf(group, version)}`)
      .flatMap((found) => found.resources),
  );
  if (resources.length === 0) throw noSuchRoute();
  const schemas = { ...schemasFor(readType, resources, commonFields()), ...customSchemas(store, resources) };
  const document = { openapi: "3.0.0", info, paths: pathsOf(resources, 3), components: { schemas } };
  await sendLarge(request, response, [Buffer.from(JSON.stringify(document))]);
}

/** Fields that every kind has, as any kind describes them. */
function commonFields(): CommonFields {
  const typed = openModels()("V1Pod")?.properties ?? [];
  const documented = readType("kubernetes-models/v1/Pod")?.fields ?? [];
  return Object.fromEntries(
    [...typed, ...documented].flatMap(({ name, description }) => (description ? [[name, description]] : [])),
  );
}

const allResources = ({ versions }: ServedGroup) => versions.flatMap(({ resources }) => resources);
const addressOf = (group: string, version: string): string =>
  group === "" ? `api/${version}` : `apis/${groupVersion(group, version)}`;

const index = (groups: readonly ServedGroup[]) => {
  const addresses = groups.flatMap(({ group, versions }) => versions.map(({ version }) => addressOf(group, version)));
  const entry = (address: string) => ({ serverRelativeURL: `/openapi/v3/${address}` });
  return { paths: Object.fromEntries(addresses.map((address) => [address, entry(address)])) };
};

/** Operations of the collections and of single objects; enough for kubectl to find kinds and what their patches take. */
function pathsOf(resources: readonly ResourceDescriptor[], format: 2 | 3) {
  const responses = { "200": { description: "OK" } };
  const parameters = ["dryRun", "fieldManager", "fieldValidation", "force"].map((name) => queryParameter(name, format));
  return Object.fromEntries(
    resources.flatMap((resource) => {
      const { group, version, kind, namespaced, plural } = resource;
      const address = `/${addressOf(group, version)}/${namespaced ? "namespaces/{namespace}/" : ""}${plural}`;
      const operation = (verb: string) => ({
        operationId: `${verb}${kind}`,
        "x-kubernetes-action": verb,
        "x-kubernetes-group-version-kind": { group, version, kind },
        parameters,
        responses,
      });
      return [
        [address, { get: operation("list"), post: operation("post") }],
        [
          `${address}/{name}`,
          { get: operation("get"), put: operation("put"), patch: operation("patch"), delete: operation("delete") },
        ],
      ];
    }),
  );
}

const queryParameter = (name: string, format: 2 | 3) => ({
  name,
  in: "query",
  ...(format === 2 ? { type: "string", uniqueItems: true } : { schema: { type: "string", uniqueItems: true } }),
});

interface Definition {
  readonly spec: { readonly versions: readonly { name: string; schema?: { openAPIV3Schema?: Schema } }[] };
}

/** Kinds of ours, which no model describes. */
const ownSchemas: Readonly<Record<string, () => Schema>> = { [faultResource]: faultSchema };

/** What CustomResourceDefinitions, and we ourselves, say of kinds. */
function customSchemas(store: Registry, resources: readonly ResourceDescriptor[]): Record<string, Schema> {
  const schemas: Record<string, Schema> = {};
  for (const resource of resources) {
    const { group, version, kind } = resource;
    const key = keyOfResource(resource);
    const definition = store.get("customresourcedefinitions.apiextensions.k8s.io", "", key);
    const versions = (definition as unknown as Definition | undefined)?.spec.versions ?? [];
    const schema = versions.find(({ name }) => name === version)?.schema?.openAPIV3Schema ?? ownSchemas[key]?.();
    if (schema === undefined) continue;
    const { apiVersion, kind: kindText, metadata } = commonFields();
    const properties = {
      apiVersion: { type: "string", description: apiVersion },
      kind: { type: "string", description: kindText },
      ...(schema.properties as object),
      metadata: { description: metadata, ...referenceTo(objectMeta) },
    };
    Object.assign(schemas, typesFor(readType, [objectMeta]));
    schemas[`${group.split(".").toReversed().join(".")}.${version}.${kind}`] = {
      ...schema,
      properties,
      "x-kubernetes-group-version-kind": [{ group, version, kind }],
    };
  }
  return schemas;
}
