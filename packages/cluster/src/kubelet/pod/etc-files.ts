/** What Kubernetes puts into a pod's /etc. Pure. */
import type { Pod } from "kubernetes-types/core/v1.js";
import type { AddressPlan } from "../../network/types.ts";

const maxHostname = 63;

export const hostnameOf = ({ spec, metadata }: Pod): string =>
  (spec?.hostname ?? metadata?.name ?? "pod").slice(0, maxHostname).replace(/[.-]+$/, "");

/** `localhost` is the pod's own address: pods share the host's network here, and 127.0.0.1 would be everyone's. */
export function hostsFile(pod: Pod, podIP: string, { domain }: AddressPlan): string {
  const hostname = hostnameOf(pod);
  const { subdomain, hostAliases = [] } = pod.spec ?? {};
  const names = subdomain ? `${hostname}.${subdomain}.${pod.metadata?.namespace}.svc.${domain}\t${hostname}` : hostname;
  const aliases = hostAliases.map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join("\t")}\n`);
  return [
    "# Kubernetes-managed hosts file.\n",
    `${podIP}\tlocalhost\n`,
    `${podIP}\t${names}\n`,
    ...(aliases.length > 0 ? ["\n# Entries added by HostAliases.\n", ...aliases] : []),
  ].join("");
}

/** `host` is the machine's own file, for pods that ask for it. */
export function resolvConf(pod: Pod, { dns, domain }: AddressPlan, host: string): string {
  const { dnsPolicy = "ClusterFirst", dnsConfig } = pod.spec ?? {};
  if (dnsPolicy === "Default") return host;
  const isNone = dnsPolicy === "None";
  const nameservers = [...(isNone ? [] : [dns]), ...(dnsConfig?.nameservers ?? [])];
  const own = isNone ? [] : [`${pod.metadata?.namespace}.svc.${domain}`, `svc.${domain}`, domain];
  const searches = [...new Set([...own, ...(dnsConfig?.searches ?? [])])];
  const options = new Map<string, string | undefined>(isNone ? [] : [["ndots", "5"]]);
  for (const { name = "", value } of dnsConfig?.options ?? []) options.set(name, value);
  const written = [...options].map(([name, value]) => (value === undefined ? name : `${name}:${value}`));
  return [
    ...(searches.length > 0 ? [`search ${searches.join(" ")}\n`] : []),
    ...nameservers.map((address) => `nameserver ${address}\n`),
    ...(written.length > 0 ? [`options ${written.join(" ")}\n`] : []),
  ].join("");
}
