import type { Container, Pod } from "kubernetes-types/core/v1.js";

export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

const resources = ["cpu", "memory"] as const;

/** Quality of service as Kubernetes derives it from requests and limits. */
export function qosClassOf(pod: Pod): QosClass {
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  if (containers.every(asksForNothing)) return "BestEffort";
  return containers.every(isGuaranteed) ? "Guaranteed" : "Burstable";
}

const asksForNothing = ({ resources: asked }: Container): boolean =>
  resources.every((name) => asked?.requests?.[name] === undefined && asked?.limits?.[name] === undefined);

const isGuaranteed = ({ resources: asked }: Container): boolean =>
  resources.every((name) => {
    const limit = asked?.limits?.[name];
    return limit !== undefined && (asked?.requests?.[name] ?? limit) === limit;
  });
