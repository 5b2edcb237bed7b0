/** Subresources beyond `status`, one row each: what discovery says of them and who answers. */

import { StatusError } from "../../machinery/errors.ts";
import type { ResourceKey } from "../../machinery/store.ts";
import { serveBinding } from "../pods/binding.ts";
import { serveEviction } from "../pods/eviction.ts";
import { serveLog } from "../pods/log.ts";
import { servePodProxy, serveServiceProxy } from "../pods/proxy.ts";
import { serveScale } from "./scale.ts";
import { serveTokenRequest } from "./token-request.ts";
import { type ResourceHandler, resourceVerbs } from "./verbs.ts";

export interface Subresource {
  /** The kind it speaks, when it is not its parent's. */
  readonly kind?: { readonly group: string; readonly version: string; readonly kind: string };
  readonly verbs: readonly string[];
  readonly serve: ResourceHandler;
}

const readWrite = ["get", "patch", "update"];
const core = (kind: string) => ({ group: "", version: "v1", kind });

/** Streams leave HTTP before they get here. */
const upgradeRequired: ResourceHandler = () => {
  throw new StatusError("BadRequest", "Upgrade request required");
};

const byVerb: ResourceHandler = (context, call, resource) => resourceVerbs[call.info.verb]?.(context, call, resource);

const stream = (kind: string): Subresource => ({ kind: core(kind), verbs: ["create", "get"], serve: upgradeRequired });

const proxy = (kind: string, serve: ResourceHandler): Subresource => ({
  kind: core(kind),
  verbs: ["create", "delete", "get", "patch", "update"],
  serve,
});

const ofAll: Readonly<Record<string, Subresource>> = {
  status: { verbs: readWrite, serve: byVerb },
  scale: { kind: { group: "autoscaling", version: "v1", kind: "Scale" }, verbs: readWrite, serve: serveScale },
};

const ofOne: Readonly<Record<string, Subresource>> = {
  "pods/log": { verbs: ["get"], serve: serveLog },
  "pods/exec": stream("PodExecOptions"),
  "pods/attach": stream("PodAttachOptions"),
  "pods/portforward": stream("PodPortForwardOptions"),
  "pods/proxy": proxy("PodProxyOptions", servePodProxy),
  "services/proxy": proxy("ServiceProxyOptions", serveServiceProxy),
  "pods/binding": { kind: core("Binding"), verbs: ["create"], serve: serveBinding },
  "pods/eviction": {
    kind: { group: "policy", version: "v1", kind: "Eviction" },
    verbs: ["create"],
    serve: serveEviction,
  },
  "pods/ephemeralcontainers": { verbs: readWrite, serve: byVerb },
  "pods/resize": { verbs: readWrite, serve: byVerb },
  "certificatesigningrequests.certificates.k8s.io/approval": { verbs: readWrite, serve: byVerb },
  "namespaces/finalize": { verbs: ["update"], serve: byVerb },
  "serviceaccounts/token": {
    kind: { group: "authentication.k8s.io", version: "v1", kind: "TokenRequest" },
    verbs: ["create"],
    serve: serveTokenRequest,
  },
};

/** Undefined for what is not served, such as `nodes/proxy`. */
export const findSubresource = (resource: ResourceKey, name: string): Subresource | undefined =>
  ofOne[`${resource}/${name}`] ?? ofAll[name];
