import {
  isKubeError,
  isPodReady,
  type KubeClient,
  KubeError,
  type KubeWatch,
  resources,
  type WatchEvent,
} from "@coracle/kube";
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
  const { namespace, labelSelector } = options;
  let watch: KubeWatch<Pod> | undefined;
  return {
    kind: "api",
    silentMs: () => watch?.silentMs() ?? Number.POSITIVE_INFINITY,
    async run(report, signal) {
      const onInterrupt = (error: Error, retryInMs: number) => {
        if (!isKubeError(error, "gone")) report.failed(explain(error, labelSelector), retryInMs);
      };
      const kube = await connect();
      watch = kube.watch(resources.pods, { namespace, labelSelector, signal, onInterrupt });
      await follow(watch, options, report);
    },
  };
}

async function follow(watch: KubeWatch<Pod>, options: ApiOptions, report: Report): Promise<void> {
  const pods = new Map<string, Pod>();
  for await (const event of watch) {
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
    ready: isPodReady(pod),
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
