/** Which load-balancer address each group of Ingresses is served at. Pure. */
import type { Ingress } from "kubernetes-types/networking/v1.js";
import type { Stored } from "../../machinery/types.ts";
import { ingressAddresses } from "../proxy/load-balancers.ts";
import type { AddressRange } from "../types.ts";

/** The range's last addresses, from the highest down; the first of them is the shared one. */
export const addressesOfIngress = ({ size, at }: AddressRange): string[] =>
  Array.from({ length: ingressAddresses }, (_, index) => at(size - 1 - index));

/** The first group gets the first address; the others keep the one in their status or get a free one, as long as there are any. */
export function assignAddresses(
  groups: readonly (readonly Stored<Ingress>[])[],
  addresses: readonly string[],
): Map<string, readonly Stored<Ingress>[]> {
  const [shared, ...alone] = groups;
  const assigned = new Map<string, readonly Stored<Ingress>[]>();
  const [first = "", ...others] = addresses;
  if (shared) assigned.set(first, shared);
  const keeps = (group: readonly Stored<Ingress>[]): string | undefined =>
    others.find((address) => address === group[0]?.status?.loadBalancer?.ingress?.[0]?.ip);
  const isTaken = (address: string): boolean => assigned.has(address);
  const newcomers = alone.filter((group) => {
    const kept = keeps(group);
    if (kept && !isTaken(kept)) assigned.set(kept, group);
    return !kept || assigned.get(kept) !== group;
  });
  for (const group of newcomers) {
    const free = others.find((address) => !isTaken(address));
    if (free) assigned.set(free, group);
  }
  return assigned;
}
