/** What the server works out about a pod. */
import { items } from "../defaults/fill.ts";
import { compareQuantities, parseQuantity } from "../quantity.ts";
import type { WriteContext } from "../resources/row.ts";
import type { ApiObject } from "../types.ts";

export function preparePod(pod: ApiObject, _context: WriteContext, old?: ApiObject): void {
  if (!old) pod.status = { phase: "Pending", qosClass: qosClassOf(pod.spec) };
}

const measured = ["cpu", "memory"];

type Amounts = Readonly<Record<string, string>>;

const isPositive = (amount: string | undefined) => amount !== undefined && (parseQuantity(amount) ?? 0n) > 0n;

const namesAny = (amounts: Amounts = {}) => measured.some((name) => isPositive(amounts[name]));

/** Every container's requests equal its limits, for both resources. */
const isGuaranteed = ({ resources = {} }: ApiObject) => {
  const { limits = {}, requests = limits } = resources as { limits?: Amounts; requests?: Amounts };
  return measured.every(
    (name) => isPositive(limits[name]) && compareQuantities(limits[name]!, requests[name] ?? limits[name]!) === 0,
  );
};

/** Guaranteed, Burstable or BestEffort; see the Kubernetes page on pod QoS. */
export function qosClassOf(spec: ApiObject): string {
  const containers = [...items(spec.initContainers), ...items(spec.containers)];
  const isBestEffort = !containers.some(
    ({ resources }) => namesAny(resources?.requests) || namesAny(resources?.limits),
  );
  if (isBestEffort) return "BestEffort";
  return containers.every(isGuaranteed) ? "Guaranteed" : "Burstable";
}
