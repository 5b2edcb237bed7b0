/** Delivers NetworkPolicy to the pods: one file for all, replaced when what it says changes; the pods' processes watch it. */
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Node, Pod, Service } from "kubernetes-types/core/v1.js";
import { systemClock } from "../../machinery/clock.ts";
import type { Change, Clock, Registry } from "../../machinery/types.ts";
import { LiveFiles } from "../live-files.ts";
import { addressKey } from "../proxy/messages.ts";
import { serviceRows } from "../proxy/table.ts";
import { SliceIndex } from "../slices.ts";
import { compilePolicies, policyPod } from "./compile.ts";
import type { PolicyTable } from "./decide.ts";

export interface NetworkPoliciesOptions {
  readonly store: Pick<Registry, "list" | "subscribe">;
  /** Where the file stands; made where missing. */
  readonly dir: string;
  readonly clock?: Clock;
}

export interface NetworkPolicies {
  /**
   * The file for the pod's `preloadEnvironment`, up to date and in the know of its address. It need not exist: no file, no restriction.
   */
  fileFor(pod: Pod, address: string): string;
  stop(): void;
}

const policiesResource = "networkpolicies.networking.k8s.io";

/**
 * Changes of pods and Services within this time are delivered together. It grows with the number of pods, because so does the work of a
 * delivery: every process of every pod reads the file again.
 */
const gatherMs = 50;
const gatherMsPerPod = 2;

export function startNetworkPolicies({ store, dir, clock = systemClock }: NetworkPoliciesOptions): NetworkPolicies {
  const files = new LiveFiles(dir);
  const file = join(dir, "policies.json");
  const slices = new SliceIndex(() => touch());
  /** Addresses of pods that are about to start, by uid, until their status says them. */
  const starting = new Map<string | undefined, string>();
  let cancel: (() => void) | undefined;
  /** Pods, by uid, that the file speaks of or would, did a policy select them. */
  let covered: ReadonlySet<string | undefined> = new Set();
  const addressOf = ({ metadata, status }: Pod): string | undefined => status?.podIP ?? starting.get(metadata?.uid);
  const refresh = (): void => {
    cancel?.();
    cancel = undefined;
    const table = policyTable(store, slices, addressOf);
    covered = new Set(store.list("pods").flatMap((pod) => (addressOf(pod) ? [pod.metadata.uid] : [])));
    files.replaceAll(new Map(table ? [[file, JSON.stringify(table)]] : []));
  };
  // Nothing is delivered while there are no policies, so nothing need be gathered.
  const touch = (): void => {
    if (store.list(policiesResource).length === 0) return;
    cancel ??= clock.after(gatherMs + gatherMsPerPod * store.list("pods").length, refresh);
  };
  const stops = [
    store.subscribe("pods", (change) => {
      if (change.type === "DELETED") starting.delete(change.object.metadata.uid);
      if (isNews(change, (pod) => policyPod(pod))) touch();
    }),
    store.subscribe("namespaces", (change) => isNews(change, ({ metadata }) => metadata?.labels) && touch()),
    store.subscribe("nodes", (change) => isNews(change, addressesOf) && touch()),
    store.subscribe("services", (change) => isNews(change, ({ spec, status }) => ({ spec, status })) && touch()),
    store.subscribe("endpointslices.discovery.k8s.io", (change) => slices.apply(change)),
    store.subscribe(policiesResource, () => {
      // A partition takes effect at once.
      cancel?.();
      cancel = clock.after(0, refresh);
    }),
  ];
  refresh();
  return {
    fileFor(pod, address) {
      starting.set(pod.metadata?.uid, address);
      const own = policyPod(pod, address);
      const policies = store.list(policiesResource);
      // It must not start before its restrictions stand. Where there are none its peers hear of it with the next delivery.
      const isIsolated = own && address in compilePolicies({ policies, pods: [own], namespaces: [] }).pods;
      if (isIsolated && !covered.has(pod.metadata?.uid)) refresh();
      return file;
    },
    stop() {
      cancel?.();
      for (const stop of stops) stop();
      files.replaceAll(new Map());
    },
  };
}

/** Whether what `look` sees of an object differs from before; heartbeats and the like do not count. */
function isNews<T>({ type, object, previous }: Change<T>, look: (object: T) => unknown): boolean {
  return type !== "MODIFIED" || !previous || !isDeepStrictEqual(look(object), look(previous));
}

/** Undefined without policies. */
function policyTable(
  store: Pick<Registry, "list">,
  slices: SliceIndex,
  addressOf: (pod: Pod) => string | undefined,
): PolicyTable | undefined {
  const policies = store.list(policiesResource);
  if (policies.length === 0) return undefined;
  const pods = store.list("pods").flatMap((pod) => policyPod(pod, addressOf(pod)) ?? []);
  return {
    ...compilePolicies({ policies, pods, namespaces: store.list("namespaces") }),
    services: serviceEndpoints(store, slices),
    nodeAddresses: ["127.0.0.1", ...store.list("nodes").flatMap(addressesOf)],
  };
}

const addressesOf = ({ status }: Node): string[] => (status?.addresses ?? []).map(({ address }) => address);

function serviceEndpoints(store: Pick<Registry, "list">, slices: SliceIndex): Record<string, readonly string[]> {
  const context = { nodeAddresses: [], loopbackLoadBalancer: false };
  const rowsOf = (service: Service) =>
    serviceRows(service, slices.of(`${service.metadata?.namespace}/${service.metadata?.name}`), context);
  return Object.fromEntries(
    store
      .list("services")
      .flatMap(rowsOf)
      .flatMap(({ listen, endpoints }) => listen.map((at) => [addressKey(at), endpoints.map(addressKey)])),
  );
}
