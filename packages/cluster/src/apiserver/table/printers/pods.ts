import type { Pod, PodTemplate } from "kubernetes-types/core/v1.js";
import { ageColumn, column, formatLabels, nameColumn, none, printer, wide } from "../columns.ts";
import { hasCondition, type PodSummary, summarizePod } from "../pod-status.ts";

/** One summary serves three columns of a row. */
function remembered(): (pod: Pod, now: number) => PodSummary {
  let last: { pod: Pod; now: number; summary: PodSummary } | undefined;
  return (pod, now) => {
    if (last?.pod !== pod || last.now !== now) last = { pod, now, summary: summarizePod(pod, now) };
    return last.summary;
  };
}
const summary = remembered();

function readinessGates(pod: Pod): string {
  const gates = pod.spec?.readinessGates ?? [];
  const open = gates.filter(({ conditionType }) => hasCondition(pod, conditionType));
  return gates.length === 0 ? none : `${open.length}/${gates.length}`;
}

const templateContainers = (template: PodTemplate, field: "name" | "image"): string =>
  (template.template?.spec?.containers ?? []).map((container) => container[field] ?? "").join(",");

export const podPrinters = {
  pods: printer<Pod>(
    nameColumn,
    column("Ready", (pod, now) => summary(pod, now).ready),
    column("Status", (pod, now) => summary(pod, now).status),
    column("Restarts", (pod, now) => summary(pod, now).restarts),
    ageColumn,
    wide("IP", ({ status }) => status?.podIPs?.[0]?.ip || status?.podIP || none),
    wide("Node", ({ spec }) => spec?.nodeName || none),
    wide("Nominated Node", ({ status }) => status?.nominatedNodeName || none),
    wide("Readiness Gates", readinessGates),
  ),
  podtemplates: printer<PodTemplate>(
    nameColumn,
    column("Containers", (template) => templateContainers(template, "name")),
    column("Images", (template) => templateContainers(template, "image")),
    column("Pod Labels", ({ template }) => formatLabels(template?.metadata?.labels)),
  ),
};
