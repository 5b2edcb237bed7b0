/** Resources that are computed, not stored as they are: reviews, metrics, older versions. */
import type { ResourceDescriptor } from "../../machinery/store.ts";
import type { ApiContext, Call } from "../context.ts";
import { autoscalingV1 } from "./autoscaling-v1.ts";
import { computedResources } from "./computed.ts";
import { eventsV1 } from "./events-v1.ts";
import { metricsResources } from "./metrics.ts";
import { reviewResources } from "./reviews.ts";

export interface VirtualResource extends ResourceDescriptor {
  /** Answers any of the resource's verbs. */
  serve(context: ApiContext, call: Call): Promise<void> | void;
}

export const virtualResources: readonly VirtualResource[] = [
  ...reviewResources,
  ...metricsResources,
  ...computedResources,
  autoscalingV1,
  eventsV1,
];

const byAddress = new Map(virtualResources.map((row) => [`${row.group}/${row.version}/${row.plural}`, row]));

export const findVirtual = (group: string, version: string, plural: string): VirtualResource | undefined =>
  byAddress.get(`${group}/${version}/${plural}`);
