/** `metrics.k8s.io/v1beta1`: usage as the kubelet measures it, for `kubectl top` and autoscaling. */
import type { Pod } from "kubernetes-types/core/v1.js";
import type { ContainerUsage } from "../../kubelet/types.ts";
import { StatusError } from "../../machinery/errors.ts";
import type { ApiObject, Stored } from "../../machinery/types.ts";
import { notFound } from "../../machinery/write/refusals.ts";
import type { ApiContext, Call } from "../context.ts";
import { listOptions } from "../http/options.ts";
import { sendJson } from "../http/respond.ts";
import type { VirtualResource } from "./virtual.ts";

const group = "metrics.k8s.io";
const version = "v1beta1";
const apiVersion = `${group}/${version}`;
const window = "15s";

const traits = {
  group,
  version,
  singular: "",
  shortNames: [],
  categories: [],
  verbs: ["get", "list"],
  subresources: [],
};

export const metricsResources: readonly VirtualResource[] = [
  { ...traits, kind: "NodeMetrics", plural: "nodes", namespaced: false, serve: serveNodes },
  { ...traits, kind: "PodMetrics", plural: "pods", namespaced: true, serve: servePods },
];

async function servePods(context: ApiContext, { info, response }: Call): Promise<void> {
  if (info.name === "") {
    const items = await Promise.all(selectPods(context, info).map((pod) => podMetrics(context, pod)));
    return sendList(context, response, "PodMetricsList", items);
  }
  const pod = context.store.get("pods", info.namespace, info.name);
  const metrics = pod && (await podMetrics(context, pod));
  if (pod === undefined) throw notFound({ group: "", plural: "pods" }, info.name);
  if (metrics === undefined) throw missing("podmetrics", `${info.namespace}/${info.name}`);
  sendJson(response, 200, metrics);
}

const selectPods = ({ store }: ApiContext, { query, namespace }: Call["info"]): readonly Stored<Pod>[] => {
  const resource = store.find("", "v1", "pods");
  if (resource === undefined) return [];
  const { labelSelector, fieldSelector } = listOptions(query, namespace);
  const options = {
    ...(namespace && { namespace }),
    ...(labelSelector && { labelSelector }),
    ...(fieldSelector && { fieldSelector }),
  };
  return store.page(resource, options).items as readonly Stored<Pod>[];
};

async function podMetrics({ kubelet, clock }: ApiContext, pod: Stored<Pod>) {
  const { name, namespace = "", labels } = pod.metadata;
  const usage = await kubelet.usage({ namespace, name });
  if (usage === undefined) return undefined;
  const containers = usage.map((container) => ({ name: container.name, usage: quantities(container) }));
  return {
    kind: "PodMetrics",
    apiVersion,
    metadata: metadata(clock.now(), name, namespace, labels),
    ...measured(clock.now()),
    containers,
  };
}

async function serveNodes(context: ApiContext, { info, response }: Call): Promise<void> {
  const names = info.name === "" ? context.store.list("nodes").map(({ metadata: { name } }) => name) : [info.name];
  if (info.name !== "" && context.store.get("nodes", "", info.name) === undefined)
    throw notFound({ group: "", plural: "nodes" }, info.name);
  const items = await Promise.all(names.map((name) => nodeMetrics(context, name)));
  if (info.name !== "") return sendJson(response, 200, items[0]);
  sendList(context, response, "NodeMetricsList", items);
}

async function nodeMetrics({ store, kubelet, clock }: ApiContext, node: string) {
  const pods = store.list("pods").filter(({ spec }) => spec?.nodeName === node);
  const usages = await Promise.all(
    pods.map(({ metadata: { name, namespace = "" } }) => kubelet.usage({ namespace, name })),
  );
  const total = { cpuNanoCores: 0, memoryBytes: 0 };
  for (const container of usages.flatMap((usage) => usage ?? [])) {
    total.cpuNanoCores += container.cpuNanoCores;
    total.memoryBytes += container.memoryBytes;
  }
  const labels = store.get("nodes", "", node)?.metadata.labels;
  return {
    kind: "NodeMetrics",
    apiVersion,
    metadata: metadata(clock.now(), node, undefined, labels),
    ...measured(clock.now()),
    usage: quantities(total),
  };
}

function sendList(
  { store }: ApiContext,
  response: Call["response"],
  kind: string,
  items: readonly (ApiObject | undefined)[],
): void {
  const present = items.filter((item) => item !== undefined);
  sendJson(response, 200, { kind, apiVersion, metadata: { resourceVersion: store.resourceVersion }, items: present });
}

const quantities = ({ cpuNanoCores, memoryBytes }: Omit<ContainerUsage, "name">) => ({
  cpu: `${Math.round(cpuNanoCores)}n`,
  memory: `${Math.round(memoryBytes / 1024)}Ki`,
});

const rfc3339 = (now: number): string => `${new Date(now).toISOString().slice(0, 19)}Z`;
const measured = (now: number) => ({ timestamp: rfc3339(now), window });

const metadata = (now: number, name: string, namespace?: string, labels?: Record<string, string>) => ({
  name,
  ...(namespace && { namespace }),
  ...(labels && { labels }),
  creationTimestamp: rfc3339(now),
});

const missing = (kind: string, name: string) =>
  new StatusError("NotFound", `${kind}.${group} "${name}" not found`, { name, group, kind });
