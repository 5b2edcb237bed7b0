import type { ApiContext, Call } from "../context.ts";
import { noSuchRoute } from "../http/refusals.ts";
import { sendBytes, sendJson } from "../http/respond.ts";
import { aggregatedDiscovery, aggregatedMediaType, aggregatedVersion } from "./aggregated.ts";
import { type ServedGroup, servedGroups } from "./catalogue.ts";
import { apiGroup, apiGroupList, apiResourceList, apiVersions } from "./legacy.ts";

const served = ({ store }: ApiContext): ServedGroup[] => servedGroups(store.descriptors());

/** `/api`: the core group. */
export function serveCoreVersions(context: ApiContext, call: Call): void {
  const isCore = ({ group }: ServedGroup) => group === "";
  if (!sendAggregated(context, call, isCore))
    sendJson(call.response, 200, apiVersions(call.request.headers.host ?? ""));
}

/** `/apis`: all other groups. */
export function serveGroups(context: ApiContext, call: Call): void {
  const isNamed = ({ group }: ServedGroup) => group !== "";
  if (!sendAggregated(context, call, isNamed)) sendJson(call.response, 200, apiGroupList(served(context)));
}

function sendAggregated(
  context: ApiContext,
  { request, response }: Call,
  wanted: (group: ServedGroup) => boolean,
): boolean {
  const version = aggregatedVersion(request.headers.accept);
  if (version === undefined) return false;
  const document = aggregatedDiscovery(served(context).filter(wanted), version);
  sendBytes(response, 200, JSON.stringify(document), aggregatedMediaType(version));
  return true;
}

/** `/apis/GROUP`. */
export function serveGroup(context: ApiContext, { response }: Call, name: string): void {
  const group = served(context).find((candidate) => candidate.group === name);
  if (name === "" || group === undefined) throw noSuchRoute();
  sendJson(response, 200, apiGroup(group));
}

/** `/api/v1` and `/apis/GROUP/VERSION`. */
export function serveVersion(context: ApiContext, { response }: Call, group: string, version: string): void {
  const found = served(context)
    .find((candidate) => candidate.group === group)
    ?.versions.find((candidate) => candidate.version === version);
  if (found === undefined) throw noSuchRoute();
  sendJson(response, 200, apiResourceList(group, found));
}
