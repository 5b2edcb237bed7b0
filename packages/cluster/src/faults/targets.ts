/** Whom faults are for. */
import type { Pod } from "kubernetes-types/core/v1.js";
import { matchesSelector, parseSelector } from "../machinery/selectors.ts";
import type { Registry, Stored } from "../machinery/types.ts";
import { text, texts } from "./parameter.ts";

/** What every fault takes that is aimed at pods. */
export const podParameters = {
  namespace: text('the namespace of the pods (default "default")'),
  pods: texts("names of pods"),
  selector: text("a label selector instead of names; pods that come later are hit too, where the effect lasts"),
};

export interface PodTarget {
  readonly namespace?: string | undefined;
  readonly pods?: readonly string[] | undefined;
  readonly selector?: string | undefined;
}

export const namespaceOf = ({ namespace = "default" }: PodTarget): string => namespace;

export const isAimedAtPods = ({ pods, selector }: PodTarget): boolean => pods !== undefined || selector !== undefined;

/** Whether the target takes in a pod. Without names and selector it takes in none. */
export function podFilter(target: PodTarget): (pod: Pod) => boolean {
  const { pods, selector } = target;
  const parsed = selector === undefined ? undefined : parseSelector(selector);
  return ({ metadata }) =>
    metadata?.namespace === namespaceOf(target) &&
    ((pods?.includes(metadata.name ?? "") ?? false) ||
      (parsed !== undefined && matchesSelector(parsed, metadata.labels)));
}

export const podsOf = (store: Pick<Registry, "list">, target: PodTarget): Stored<Pod>[] =>
  store.list("pods", { namespace: namespaceOf(target) }).filter(podFilter(target));

export const refOf = ({ metadata }: Stored<Pod>) => ({ namespace: metadata.namespace ?? "", name: metadata.name });

export const labelOf = ({ metadata }: Stored<Pod>): string => `${metadata.namespace}/${metadata.name}`;
