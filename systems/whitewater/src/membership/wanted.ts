/** How many replicas the StatefulSet wants, where this pod may read it: with that, scaling down needs no grace period. */
import { isKubeError, type KubeClient, resources } from "@coracle/kube";
import type { Logger } from "@coracle/pod";

export interface Wanted {
  /** Undefined while it is not known. */
  replicas(): number | undefined;
  /** Asks anew; for a pod that is told to stop and wants to know why. */
  refresh(): Promise<number | undefined>;
  stop(): void;
}

/** For discovery that knows no API. */
export const unknownWanted: Wanted = {
  replicas: () => undefined,
  refresh: async () => undefined,
  stop: () => undefined,
};

const REFRESH_TIMEOUT_MS = 2000;

/** Follows the object. Without the right to read it, it says so once and knows nothing. */
export function followWanted(kube: KubeClient, set: string, namespace: string, logger: Logger): Wanted {
  const stopping = new AbortController();
  let replicas: number | undefined;
  const watch = async (): Promise<void> => {
    const events = kube.watch(resources.statefulSets, {
      namespace,
      fieldSelector: `metadata.name=${set}`,
      signal: stopping.signal,
      onInterrupt: (error) => {
        if (!isKubeError(error, "forbidden")) return;
        logger.info("the StatefulSet can't be read, so members that are scaled away go after a grace period", { set });
        stopping.abort();
      },
    });
    for await (const event of events) {
      if (event.type === "replaced") replicas = event.objects[0] && (event.objects[0].spec?.replicas ?? 1);
      else replicas = event.type === "deleted" ? undefined : (event.object.spec?.replicas ?? 1);
    }
  };
  void watch().catch((error: unknown) => {
    if (!stopping.signal.aborted) logger.warn("the StatefulSet is no longer followed", { error });
  });
  return {
    replicas: () => replicas,
    refresh: async () => {
      const signal = AbortSignal.timeout(REFRESH_TIMEOUT_MS);
      const read = kube.get(resources.statefulSets, set, { namespace, signal });
      // What was known stands: a pod that is stopped by mistake only stays a member.
      return read.then(({ spec }) => spec?.replicas ?? 1).catch(() => replicas);
    },
    stop: () => stopping.abort(),
  };
}
