/** Which Ingresses are served here, in which order, and which of them share an address. Pure. */
import type { Ingress, IngressClass } from "kubernetes-types/networking/v1.js";
import type { Stored } from "../../machinery/types.ts";

export const ingressController = "coracle.dev/ingress";
const classAnnotation = "kubernetes.io/ingress.class";

/**
 * Ours are all Ingresses but those whose class belongs to another controller. A class that nobody defined is served too: manifests
 * written for another implementation work as they are.
 */
export function ownIngresses(
  ingresses: readonly Stored<Ingress>[],
  classes: readonly Stored<IngressClass>[],
): Stored<Ingress>[] {
  const foreign = new Set(
    classes.filter(({ spec }) => spec?.controller !== ingressController).map(({ metadata }) => metadata.name),
  );
  return ingresses.filter((ingress) => !foreign.has(classOf(ingress) ?? "")).sort(byAge);
}

const classOf = ({ metadata, spec }: Ingress): string | undefined =>
  spec?.ingressClassName ?? metadata?.annotations?.[classAnnotation];

const keyOf = ({ metadata }: Stored<Ingress>): string => `${metadata.namespace}/${metadata.name}`;

const byAge = (a: Stored<Ingress>, b: Stored<Ingress>): number =>
  a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp) || keyOf(a).localeCompare(keyOf(b));

/**
 * All Ingresses share one address, the first group, but for those that could not be reached there: one that is nothing but a default
 * backend where an older one has claimed that already. Each of these stands alone, as where every Ingress is a load balancer of its own.
 */
export function groupByAddress(ingresses: readonly Stored<Ingress>[]): Stored<Ingress>[][] {
  const isCatchAll = ({ spec }: Ingress): boolean => spec?.defaultBackend !== undefined && !spec.rules?.length;
  const first = ingresses.find(({ spec }) => spec?.defaultBackend !== undefined);
  const alone = ingresses.filter((ingress) => isCatchAll(ingress) && ingress !== first);
  const shared = ingresses.filter((ingress) => !alone.includes(ingress));
  return shared.length > 0 ? [shared, ...alone.map((ingress) => [ingress])] : [];
}
