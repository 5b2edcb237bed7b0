/** Events as `events.k8s.io/v1`: the stored core events in the newer form. */
import type { Event } from "kubernetes-types/core/v1.js";
import type { Event as V1Event } from "kubernetes-types/events/v1.js";
import type { ApiObject, Stored } from "../../machinery/types.ts";
import { convertedResource } from "./converted.ts";

const apiVersion = "events.k8s.io/v1";
const kind = "Event";

export const eventsV1 = convertedResource(
  {
    group: "events.k8s.io",
    version: "v1",
    kind,
    plural: "events",
    singular: "event",
    shortNames: ["ev"],
    categories: [],
  },
  {
    stored: { group: "", version: "v1", plural: "events" },
    isUpdated: false,
    toServed: (object) => toV1(object as Stored<Event>),
    toStored: (body) => toCore(body as V1Event),
  },
);

/** Exported for tests. */
export function toV1(event: Stored<Event>): V1Event {
  const { metadata, involvedObject, message, source, count, firstTimestamp, lastTimestamp, ...rest } = event;
  const { reportingComponent, reportingInstance, eventTime, ...same } = rest;
  return {
    ...same,
    kind,
    apiVersion,
    metadata,
    eventTime: eventTime ?? (null as never),
    regarding: involvedObject,
    ...(message && { note: message }),
    ...((reportingComponent || source?.component) && { reportingController: reportingComponent || source?.component }),
    ...((reportingInstance || source?.host) && { reportingInstance: reportingInstance || source?.host }),
    ...(source && { deprecatedSource: source }),
    ...(firstTimestamp && { deprecatedFirstTimestamp: firstTimestamp }),
    ...(lastTimestamp && { deprecatedLastTimestamp: lastTimestamp }),
    ...(count !== undefined && { deprecatedCount: count }),
  } as V1Event;
}

/** Exported for tests. */
export function toCore(event: V1Event): ApiObject {
  const { regarding, note, reportingController, deprecatedSource, deprecatedCount, ...rest } = event;
  const { deprecatedFirstTimestamp, deprecatedLastTimestamp, ...same } = rest;
  return {
    ...same,
    kind,
    apiVersion: "v1",
    involvedObject: regarding ?? {},
    ...(note && { message: note }),
    reportingComponent: reportingController ?? "",
    reportingInstance: event.reportingInstance ?? "",
    source: deprecatedSource ?? {},
    ...(deprecatedFirstTimestamp && { firstTimestamp: deprecatedFirstTimestamp }),
    ...(deprecatedLastTimestamp && { lastTimestamp: deprecatedLastTimestamp }),
    ...(deprecatedCount !== undefined && { count: deprecatedCount }),
  } as unknown as ApiObject;
}
