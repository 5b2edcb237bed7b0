/** Reading the `scale` subresource (`autoscaling/v1`); writes of a Scale are the store's business. */
import type { ResourceDescriptor } from "../../machinery/store.ts";
import { scaleOf } from "../../machinery/write/scale.ts";
import { sendObject } from "./forms.ts";
import { existing, type ResourceHandler, resourceVerbs } from "./verbs.ts";

/** How a Scale is shown as a table: by its own columns, whatever kind is scaled. */
const scales = { group: "autoscaling", version: "v1", kind: "Scale", plural: "scales" };

export const serveScale: ResourceHandler = async (context, call, resource) => {
  if (call.info.verb !== "get") return resourceVerbs[call.info.verb]?.(context, call, resource);
  const scale = scaleOf(resource, existing(context, call, resource));
  const descriptor: ResourceDescriptor = { ...resource, ...scales };
  sendObject(context, call, descriptor, 200, scale);
};
