/** The environment by which a pod's Node.js programs find themselves on the cluster's network. Written by the kubelet, read by preload.ts. */

import { readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Pod } from "kubernetes-types/core/v1.js";
import { compiledPath } from "../compiled.ts";
import type { AddressPlan } from "../types.ts";

export interface PodNetworkOptions {
  readonly plan: Pick<AddressPlan, "dns" | "dnsPort" | "domain">;
  readonly podIp: string;
  /** Its namespace, host name, hostAliases and dnsConfig.searches are what counts. */
  readonly pod: Pod;
  /** The file with what NetworkPolicy says of this pod; without it everything is permitted. */
  readonly policyFile?: string;
  /** The file with what is wrong with this pod on purpose. */
  readonly faultsFile?: string;
  /** NODE_OPTIONS that the container sets itself; kept, behind ours. */
  readonly nodeOptions?: string;
}

/** Variables to add to a container's environment: NODE_OPTIONS, and CORACLE_* for the preload. */
export function preloadEnvironment(options: PodNetworkOptions): Record<string, string> {
  const { plan, podIp, pod, policyFile, faultsFile } = options;
  const preload = JSON.stringify(preloadFile());
  const hosts = Object.fromEntries(
    (pod.spec?.hostAliases ?? []).flatMap(({ ip, hostnames }) => (hostnames ?? []).map((name) => [name, ip])),
  );
  const search = searchDomains(plan.domain, pod.metadata?.namespace ?? "default", pod.spec?.dnsConfig?.searches);
  return {
    NODE_OPTIONS: [`--require ${preload}`, options.nodeOptions].filter(Boolean).join(" "),
    CORACLE_POD_IP: podIp,
    CORACLE_POD_HOSTNAME: pod.spec?.hostname ?? pod.metadata?.name ?? "",
    // Without its port where that is the usual one: Node.js parses a bare address much faster.
    CORACLE_DNS: plan.dnsPort === 53 ? plan.dns : `${plan.dns}:${plan.dnsPort}`,
    CORACLE_DNS_SEARCH: search.join(" "),
    CORACLE_HOSTS: JSON.stringify(hosts),
    ...(policyFile !== undefined && { CORACLE_NETWORK_POLICY: policyFile }),
    ...(faultsFile !== undefined && { CORACLE_FAULTS: faultsFile }),
  };
}

/**
 * The bundle of the preload (scripts/bundle.mjs) where there is one that no compiled module outdates, otherwise the modules: the same,
 * but three times as long to load.
 */
function preloadFile(): string {
  const modules = compiledPath(import.meta.url, "./preload.ts");
  const bundle = modules.replace(/\.js$/, ".cjs");
  const folders = [
    dirname(modules),
    join(dirname(modules), "../policy"),
    join(dirname(modules), "../../faults/preload"),
  ];
  const newest = Math.max(...folders.flatMap(filesOf).map(changedAt));
  return changedAt(bundle) >= newest ? bundle : modules;
}

const filesOf = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".js"))
    .map((name) => join(folder, name));

const changedAt = (file: string): number => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** What Kubernetes writes into a pod's resolv.conf; the kubelet uses it for `/etc/resolv.conf` too. */
export const searchDomains = (domain: string, namespace: string, more: readonly string[] = []): string[] => [
  `${namespace}.svc.${domain}`,
  `svc.${domain}`,
  domain,
  ...more,
];
