/** The OpenAPI documents, as far as `kubectl apply` needs them: which operations exist and that they validate fields. */
import type { ResourceDescriptor } from "../../machinery/store.ts";
import type { ApiContext, Call } from "../context.ts";
import { noSuchRoute } from "../http/refusals.ts";
import { sendJson } from "../http/respond.ts";
import { serverVersion } from "../version.ts";
import { groupVersion, type ServedGroup, servedGroups } from "./catalogue.ts";

const info = { title: "Kubernetes", version: serverVersion.gitVersion };

/** `/openapi/v2`, `/openapi/v3` and `/openapi/v3/GROUP-VERSION-PATH`. */
export function serveOpenApi({ store }: ApiContext, { info: { path }, response }: Call): void {
  const groups = servedGroups(store.descriptors());
  if (path === "/openapi/v3") return sendJson(response, 200, index(groups));
  if (path === "/openapi/v2")
    return sendJson(response, 200, { swagger: "2.0", info, ...documentOf(groups.flatMap(allResources), 2) });
  for (const { group, versions } of groups) {
    for (const { version, resources } of versions) {
      if (path !== `/openapi/v3/${addressOf(group, version)}`) continue;
      return sendJson(response, 200, { openapi: "3.0.0", info, ...documentOf(resources, 3) });
    }
  }
  throw noSuchRoute();
}

const allResources = ({ versions }: ServedGroup) => versions.flatMap(({ resources }) => resources);
const addressOf = (group: string, version: string): string =>
  group === "" ? `api/${version}` : `apis/${groupVersion(group, version)}`;

const index = (groups: readonly ServedGroup[]) => {
  const addresses = groups.flatMap(({ group, versions }) => versions.map(({ version }) => addressOf(group, version)));
  const entry = (address: string) => ({ serverRelativeURL: `/openapi/v3/${address}?hash=${serverVersion.gitVersion}` });
  return { paths: Object.fromEntries(addresses.map((address) => [address, entry(address)])) };
};

function documentOf(resources: readonly ResourceDescriptor[], format: 2 | 3) {
  return { paths: Object.fromEntries(resources.map((resource) => [pathOf(resource), operations(resource, format)])) };
}

const pathOf = ({ group, version, namespaced, plural }: ResourceDescriptor): string =>
  `/${addressOf(group, version)}/${namespaced ? "namespaces/{namespace}/" : ""}${plural}/{name}`;

function operations({ group, version, kind }: ResourceDescriptor, format: 2 | 3) {
  const parameters = ["dryRun", "fieldManager", "fieldValidation", "force"].map((name) => queryParameter(name, format));
  const responses = { "200": { description: "OK" } };
  const gvk = { "x-kubernetes-group-version-kind": { group, version, kind } };
  return { patch: { operationId: `patch${kind}`, "x-kubernetes-action": "patch", ...gvk, parameters, responses } };
}

const queryParameter = (name: string, format: 2 | 3) => ({
  name,
  in: "query",
  ...(format === 2 ? { type: "string", uniqueItems: true } : { schema: { type: "string", uniqueItems: true } }),
});
