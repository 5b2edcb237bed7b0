/** What an object takes of a ResourceQuota, by the names that quotas use. Pure. */
import { items } from "../defaults/fill.ts";
import type { ResourceKey } from "../store.ts";
import type { ApiObject } from "../types.ts";
import { type Amounts, add, max } from "./amounts.ts";

const one = "1";
const measured: Readonly<Record<ResourceKey, (object: ApiObject) => Amounts>> = {
  pods: podUsage,
  services: serviceUsage,
  persistentvolumeclaims: claimUsage,
  configmaps: () => ({ configmaps: one }),
  secrets: () => ({ secrets: one }),
  replicationcontrollers: () => ({ replicationcontrollers: one }),
  resourcequotas: () => ({ resourcequotas: one }),
};

/** Everything that a quota could count of the object, whichever quota it is. */
export const usageOf = (key: ResourceKey, object: ApiObject): Amounts => ({
  [`count/${key}`]: one,
  ...measured[key]?.(object),
});

/** The kinds that a quota with these names has to look at. */
export function countedKinds(names: readonly string[]): ResourceKey[] {
  const kinds = names.flatMap((name) => {
    if (name.startsWith("count/")) return [name.slice("count/".length)];
    if (name.startsWith("services")) return ["services"];
    if (name === "persistentvolumeclaims" || name.endsWith("storage") || name.includes(".storageclass.storage.k8s.io/"))
      return name.includes("ephemeral") ? ["pods"] : ["persistentvolumeclaims"];
    return measured[name] ? [name] : ["pods"];
  });
  return [...new Set(kinds)];
}

export const isTerminal = ({ status }: ApiObject): boolean =>
  status?.phase === "Succeeded" || status?.phase === "Failed";

function podUsage(pod: ApiObject): Amounts {
  if (isTerminal(pod)) return {};
  return { pods: one, ...computeUsage(total(pod, "requests"), total(pod, "limits")) };
}

/** Containers run side by side, init containers one after the other before them. */
function total({ spec }: ApiObject, kind: "requests" | "limits"): Amounts {
  const amounts = (container: ApiObject): Amounts => container.resources?.[kind] ?? {};
  const together = items(spec?.containers).map(amounts).reduce(add, {});
  return items(spec?.initContainers).map(amounts).reduce(max, together);
}

/** `cpu` means `requests.cpu` too. */
export function computeUsage(requests: Amounts, limits: Amounts): Amounts {
  const usage: Record<string, string> = {};
  for (const [name, quantity] of Object.entries(requests)) usage[`requests.${name}`] = quantity;
  for (const name of ["cpu", "memory", "ephemeral-storage"]) {
    if (requests[name] !== undefined) usage[name] = requests[name];
    if (limits[name] !== undefined) usage[`limits.${name}`] = limits[name];
  }
  return usage;
}

function serviceUsage({ spec }: ApiObject): Amounts {
  const hasNodePorts = spec?.type === "NodePort" || spec?.type === "LoadBalancer";
  return {
    services: one,
    "services.nodeports": hasNodePorts ? String(items(spec?.ports).length) : "0",
    "services.loadbalancers": spec?.type === "LoadBalancer" ? one : "0",
  };
}

function claimUsage({ spec }: ApiObject): Amounts {
  const storage: string = spec?.resources?.requests?.storage ?? "0";
  const { storageClassName } = spec ?? {};
  const prefix = `${storageClassName}.storageclass.storage.k8s.io`;
  return {
    persistentvolumeclaims: one,
    "requests.storage": storage,
    ...(storageClassName && { [`${prefix}/requests.storage`]: storage, [`${prefix}/persistentvolumeclaims`]: one }),
  };
}
