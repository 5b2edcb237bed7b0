import { isKubeError, type KubeClient, KubeError, resources, type WatchEvent } from "@coracle/kube";
import type { Pod } from "kubernetes-types/core/v1.js";
import type { PeerSource, Report } from "./feed.ts";
import type { Peer } from "./types.ts";

export interface ApiOptions {
  readonly labelSelector: string;
  readonly namespace: string;
  /** Name of the container port to dial; without it the first one. */
  readonly portName: string | undefined;
  /** Used when the pods declare no such port. */
  readonly port: number | undefined;
}

/** Pods by label, as they come, get ready, are told to stop, and go. RBAC: `list` and `watch` on pods. */
export function apiSource(options: ApiOptions, connect: () => Promise<KubeClient>): PeerSource {
  return { kind: "api", run: (report, signal) => follow(options, connect, report, signal) };
}

async function follow(
  options: ApiOptions,
  connect: () => Promise<KubeClient>,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const kube = await connect();
  const { namespace, labelSelector } = options;
  const pods = new Map<string, Pod>();
  const onInterrupt = (error: Error, retryInMs: number) => {
    if (!isKubeError(error, "gone")) report.failed(explain(error, labelSelector), retryInMs);
  };
  for await (const event of kube.watch(resources.pods, { namespace, labelSelector, signal, onInterrupt })) {
    fold(pods, event);
    report.peers([...pods.values()].map((pod) => peerOf(pod, options)).filter((peer) => peer !== undefined));
  }
}

function fold(pods: Map<string, Pod>, event: WatchEvent<Pod>): void {
  if (event.type === "replaced") {
    pods.clear();
    for (const pod of event.objects) pods.set(pod.metadata?.name ?? "", pod);
  } else if (event.type === "deleted") {
    pods.delete(event.object.metadata?.name ?? "");
  } else {
    pods.set(event.object.metadata?.name ?? "", event.object);
  }
}

/** Undefined for a pod that can't be dialled: without an address yet, or finished. */
function peerOf(pod: Pod, options: ApiOptions): Peer | undefined {
  const { metadata, status } = pod;
  const port = portOf(pod, options);
  if (!metadata?.name || !status?.podIP || port === undefined) return undefined;
  if (status.phase === "Succeeded" || status.phase === "Failed") return undefined;
  return {
    id: metadata.name,
    host: status.podIP,
    port,
    ready: status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false,
    terminating: metadata.deletionTimestamp !== undefined,
    labels: metadata.labels ?? {},
  };
}

function portOf({ spec }: Pod, { portName, port }: ApiOptions): number | undefined {
  const ports = spec?.containers.flatMap((container) => container.ports ?? []) ?? [];
  const named = portName === undefined ? undefined : ports.find(({ name }) => name === portName);
  return named?.containerPort ?? port ?? ports[0]?.containerPort;
}

const explain = (error: Error, labelSelector: string): Error =>
  isKubeError(error, "forbidden")
    ? new KubeError("forbidden", `${error.message}; discovery by "${labelSelector}" needs list and watch on pods`)
    : error;
