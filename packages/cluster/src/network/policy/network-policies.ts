/** Delivers NetworkPolicy to the pods: one small file for each, replaced when what it says changes; the pods watch theirs. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Node, Pod, Service } from "kubernetes-types/core/v1.js";
import type { Registry } from "../../machinery/types.ts";
import { addressKey } from "../proxy/messages.ts";
import { serviceRows } from "../proxy/table.ts";
import { compilePolicy } from "./compile.ts";
import type { PodPolicy } from "./decide.ts";

export interface NetworkPoliciesOptions {
  readonly store: Pick<Registry, "list" | "subscribe">;
  /** Where the files stand; made where missing. */
  readonly dir: string;
}

export interface NetworkPolicies {
  /** The file of a pod, for `preloadEnvironment`. It need not exist: no file, no restriction. */
  fileFor(pod: Pod): string;
  stop(): void;
}

const watched = [
  "networkpolicies.networking.k8s.io",
  "pods",
  "namespaces",
  "services",
  "endpointslices.discovery.k8s.io",
] as const;

/** Files are written synchronously: they are small, and a pod must not start before its own stands. */
export function startNetworkPolicies({ store, dir }: NetworkPoliciesOptions): NetworkPolicies {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const written = new Map<string, string>();
  const fileFor = ({ metadata }: Pod): string => join(dir, `${metadata?.namespace}_${metadata?.name}.json`);
  let scheduled: NodeJS.Immediate | undefined;
  const refresh = (): void => {
    scheduled = undefined;
    const texts = policyTexts(store);
    for (const [pod, text] of texts) writeIfNew(written, fileFor(pod), text);
    const current = new Set([...texts.keys()].map(fileFor));
    for (const file of written.keys()) if (!current.has(file)) remove(written, file);
  };
  const touch = (): void => {
    scheduled ??= setImmediate(refresh);
  };
  const stops = watched.map((resource) => store.subscribe(resource, touch));
  if (scheduled) clearImmediate(scheduled);
  refresh();
  return {
    fileFor,
    stop() {
      if (scheduled) clearImmediate(scheduled);
      for (const stop of stops) stop();
      for (const file of [...written.keys()]) remove(written, file);
    },
  };
}

/** What each pod's file should say; pods that nothing restricts have none. */
function policyTexts(store: Pick<Registry, "list">): Map<Pod, string> {
  const policies = store.list("networkpolicies.networking.k8s.io");
  if (policies.length === 0) return new Map();
  const inputs = { policies, pods: store.list("pods"), namespaces: store.list("namespaces") };
  const services = serviceEndpoints(store);
  const nodeAddresses = ["127.0.0.1", ...store.list("nodes").flatMap(addressesOf)];
  const texts = new Map<Pod, string>();
  for (const pod of inputs.pods) {
    const policy = compilePolicy(pod, inputs);
    if (Object.keys(policy).length > 0)
      texts.set(pod, JSON.stringify({ ...policy, services, nodeAddresses } satisfies PodPolicy));
  }
  return texts;
}

const addressesOf = ({ status }: Node): string[] => (status?.addresses ?? []).map(({ address }) => address);

function serviceEndpoints(store: Pick<Registry, "list">): Record<string, readonly string[]> {
  const slices = store.list("endpointslices.discovery.k8s.io");
  const context = { nodeAddresses: [], loopbackLoadBalancer: false };
  const rowsOf = (service: Service) => {
    const { name, namespace } = service.metadata ?? {};
    const own = slices.filter(
      ({ metadata }) => metadata.namespace === namespace && metadata.labels?.["kubernetes.io/service-name"] === name,
    );
    return serviceRows(service, own, context);
  };
  return Object.fromEntries(
    store
      .list("services")
      .flatMap(rowsOf)
      .flatMap(({ listen, endpoints }) => listen.map((at) => [addressKey(at), endpoints.map(addressKey)])),
  );
}

function writeIfNew(written: Map<string, string>, file: string, text: string): void {
  if (written.get(file) === text) return;
  written.set(file, text);
  // Renamed into place, so that no pod ever reads half of it.
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function remove(written: Map<string, string>, file: string): void {
  written.delete(file);
  rmSync(file, { force: true });
}
