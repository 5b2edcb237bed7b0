import type { Event, Namespace, Node } from "kubernetes-types/core/v1.js";
import type { PriorityClass } from "kubernetes-types/scheduling/v1.js";
import { ageColumn, column, count, nameColumn, none, printer, wide } from "../columns.ts";
import { since } from "../duration.ts";

const unknown = "<unknown>";

function nodeStatus({ spec, status }: Node): string {
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  const word = ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady";
  return spec?.unschedulable ? `${word},SchedulingDisabled` : word;
}

const rolePrefix = "node-role.kubernetes.io/";

function nodeRoles({ metadata }: Node): string {
  const labels = metadata?.labels ?? {};
  const roles = Object.keys(labels).filter((key) => key.length > rolePrefix.length && key.startsWith(rolePrefix));
  const named = roles.map((key) => key.slice(rolePrefix.length));
  const legacy = labels["kubernetes.io/role"];
  return [...new Set(legacy ? [...named, legacy] : named)].sort().join(",") || none;
}

const nodeAddress = ({ status }: Node, wanted: string): string =>
  status?.addresses?.find(({ type }) => type === wanted)?.address ?? none;

const firstSeen = ({ firstTimestamp, eventTime }: Event, now: number): string =>
  since(firstTimestamp || eventTime, now);

function lastSeen(event: Event, now: number): string {
  if (event.series?.lastObservedTime) return since(event.series.lastObservedTime, now);
  return event.lastTimestamp ? since(event.lastTimestamp, now) : firstSeen(event, now);
}

function eventTarget({ involvedObject: { kind = "", name } }: Event): string {
  return name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase();
}

function eventSource({ source, reportingComponent, reportingInstance }: Event): string {
  const component = source?.component || reportingComponent || "";
  const host = source?.host || reportingInstance || "";
  return host === "" ? component : `${component}, ${host}`;
}

export const clusterPrinters = {
  namespaces: printer<Namespace>(
    nameColumn,
    column("Status", ({ status }) => status?.phase ?? ""),
    ageColumn,
  ),
  nodes: printer<Node>(
    nameColumn,
    column("Status", nodeStatus),
    column("Roles", nodeRoles),
    ageColumn,
    column("Version", ({ status }) => status?.nodeInfo?.kubeletVersion ?? ""),
    wide("Internal-IP", (node) => nodeAddress(node, "InternalIP")),
    wide("External-IP", (node) => nodeAddress(node, "ExternalIP")),
    wide("OS-Image", ({ status }) => status?.nodeInfo?.osImage || unknown),
    wide("Kernel-Version", ({ status }) => status?.nodeInfo?.kernelVersion || unknown),
    wide("Container-Runtime", ({ status }) => status?.nodeInfo?.containerRuntimeVersion || unknown),
  ),
  events: printer<Event>(
    column("Last Seen", lastSeen),
    column("Type", ({ type }) => type ?? ""),
    column("Reason", ({ reason }) => reason ?? ""),
    column("Object", eventTarget),
    wide("Subobject", ({ involvedObject }) => involvedObject.fieldPath ?? ""),
    wide("Source", eventSource),
    column("Message", ({ message }) => message?.trim() ?? ""),
    wide("First Seen", firstSeen),
    wide("Count", ({ series, count: seen }) => series?.count ?? (seen || 1)),
    wide("Name", ({ metadata }) => metadata.name ?? ""),
  ),
  "priorityclasses.scheduling.k8s.io": printer<PriorityClass>(
    nameColumn,
    count("Value", ({ value }) => value),
    column("Global-Default", ({ globalDefault }) => globalDefault ?? false, { type: "boolean" }),
    ageColumn,
    column("PreemptionPolicy", ({ preemptionPolicy }) => preemptionPolicy ?? ""),
  ),
};
