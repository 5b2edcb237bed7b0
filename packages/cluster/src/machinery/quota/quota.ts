/** ResourceQuota: what is used of one, and whether another object still fits. Pure. */
import { items } from "../defaults/fill.ts";
import type { ResourceKey } from "../store.ts";
import type { ApiObject } from "../types.ts";
import { type Amounts, add, formatAmounts, isMore, pick, subtractQuantities } from "./amounts.ts";
import { computeUsage, countedKinds, usageOf } from "./usage.ts";

/** Objects of a kind in the quota's namespace. */
export type ListKind = (key: ResourceKey) => readonly ApiObject[];

const hardOf = (quota: ApiObject): Amounts => quota.spec?.hard ?? {};

/** The usage of every name that the quota limits. */
export function usedOf(quota: ApiObject, list: ListKind): Amounts {
  const names = Object.keys(hardOf(quota));
  const none = Object.fromEntries(names.map((name) => [name, "0"]));
  return countedKinds(names).reduce(
    (used, key) =>
      list(key)
        .filter((object) => isInScope(quota, key, object))
        .reduce((sum: Amounts, object) => add(sum, pick(usageOf(key, object), names)), used),
    none as Amounts,
  );
}

/** What a change asks for beyond what the object had. */
const growth = (wanted: Amounts, had: Amounts): Amounts =>
  Object.fromEntries(
    Object.entries(wanted)
      .filter(([name, amount]) => isMore(amount, had[name] ?? "0"))
      .map(([name, amount]) => [name, subtractQuantities(amount, had[name] ?? "0")]),
  );

/** Why the quota refuses a new object, or what is new about an old one, in Kubernetes' words; undefined when it fits. */
export function refusalOf(
  quota: ApiObject,
  key: ResourceKey,
  object: ApiObject,
  list: ListKind,
  old?: ApiObject,
): string | undefined {
  const hard = hardOf(quota);
  const names = Object.keys(hard);
  const name = quota.metadata?.name;
  if (!isInScope(quota, key, object)) return undefined;
  const missing = key === "pods" && !old ? unspecified(object, names) : "";
  if (missing !== "") return `failed quota: ${name}: must specify ${missing}`;
  const wanted = pick(usageOf(key, object), names);
  const requested = old && isInScope(quota, key, old) ? growth(wanted, usageOf(key, old)) : wanted;
  if (Object.keys(requested).length === 0) return undefined;
  const used = usedOf(quota, list);
  const next = add(used, requested);
  const exceeded = Object.keys(requested).filter(
    (each) => isMore(requested[each] ?? "0", "0") && isMore(next[each] ?? "0", hard[each] ?? "0"),
  );
  if (exceeded.length === 0) return undefined;
  const part = (amounts: Amounts) => formatAmounts(pick(amounts, exceeded));
  return `exceeded quota: ${name}, requested: ${part(requested)}, used: ${part(used)}, limited: ${part(hard)}`;
}

const compulsory = ["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"];

/** What a quota on compute makes every container say: `limits.cpu for: web; memory for: web`. */
function unspecified({ spec }: ApiObject, names: readonly string[]): string {
  const wanted = compulsory.filter((name) => names.includes(name)).sort();
  const containers = [...items(spec?.containers), ...items(spec?.initContainers)];
  return wanted
    .map((name) => {
      const without = containers
        .filter(({ resources }) => computeUsage(resources?.requests ?? {}, resources?.limits ?? {})[name] === undefined)
        .map((container) => container.name as string);
      return without.length > 0 ? `${name} for: ${without.sort().join(",")}` : "";
    })
    .filter((text) => text !== "")
    .join("; ");
}

const scopes: Readonly<Record<string, (pod: ApiObject) => boolean>> = {
  Terminating: ({ spec }) => spec?.activeDeadlineSeconds !== undefined,
  NotTerminating: ({ spec }) => spec?.activeDeadlineSeconds === undefined,
  BestEffort: isBestEffort,
  NotBestEffort: (pod) => !isBestEffort(pod),
};

function isInScope(quota: ApiObject, key: ResourceKey, object: ApiObject): boolean {
  const wanted: string[] = quota.spec?.scopes ?? [];
  return wanted.length === 0 || (key === "pods" && wanted.every((scope) => scopes[scope]?.(object) ?? false));
}

function isBestEffort({ spec }: ApiObject): boolean {
  return [...items(spec?.containers), ...items(spec?.initContainers)].every(
    ({ resources }) => Object.keys({ ...resources?.requests, ...resources?.limits }).length === 0,
  );
}
