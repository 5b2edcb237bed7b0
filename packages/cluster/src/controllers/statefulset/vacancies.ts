/**
 * Places whose pod has just gone, and how long they stay empty. `kubectl delete pod` asks for the pod and then lists it: a successor of the same name that
 * appears between the two makes it wait for ever. A real cluster has the same gap, but needs longer than kubectl to put a pod in a place; this one would not.
 */
import type { Pod } from "kubernetes-types/core/v1.js";
import type { Clock } from "../../machinery/types.ts";
import { controllerOf } from "../harness/owners.ts";
import { keyOf, type Watch, watch } from "../harness/watch.ts";

export interface Vacancies {
  /** Notes each pod of a StatefulSet that goes. */
  readonly watch: Watch;
  /** Milliseconds until the place may be filled; 0 when it may. */
  closedForMs(namespace: string, pod: string): number;
}

export function createVacancies(clock: Clock, pauseMs: number): Vacancies {
  const goneAt = new Map<string, number>();
  const leftMs = (at: number): number => Math.max(0, at + pauseMs - clock.now());
  /** Forgets those that nothing came into, so that only the last moment's are kept. */
  const forget = (): void => {
    for (const [key, at] of goneAt) if (leftMs(at) === 0) goneAt.delete(key);
  };
  return {
    watch: watch("pods", ({ type, object }) => {
      if (type !== "DELETED" || controllerOf(object as Pod)?.kind !== "StatefulSet") return [];
      forget();
      goneAt.set(keyOf(object), clock.now());
      return [];
    }),
    closedForMs: (namespace, pod) => leftMs(goneAt.get(`${namespace}/${pod}`) ?? -Infinity),
  };
}
