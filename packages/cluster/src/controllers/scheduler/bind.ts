import type { Pod, PodCondition } from "kubernetes-types/core/v1.js";
import type { Stored } from "../../machinery/types.ts";
import { withCondition } from "../harness/conditions.ts";
import type { ControllerContext } from "../harness/context.ts";

const fieldManager = "default-scheduler";

/** Sets the pod's PodScheduled condition. */
export async function setScheduled(
  { store, clock }: ControllerContext,
  { metadata }: Stored<Pod>,
  condition: Omit<PodCondition, "type">,
): Promise<void> {
  await store.modify(
    "pods",
    metadata.namespace ?? "",
    metadata.name,
    (draft) => {
      const next = {
        type: "PodScheduled",
        observedGeneration: metadata.generation,
        lastProbeTime: null as unknown as string, // as Kubernetes writes a time that never was
        ...condition,
      };
      const conditions = withCondition(draft.status?.conditions, next, clock.now());
      Object.assign(draft, { status: { ...draft.status, conditions } });
    },
    { subresource: "status", fieldManager },
  );
}

/** Binds the pod to a node. Both writes are on their way at once, so that they share one flush to the disk. */
export async function bindPod(context: ControllerContext, pod: Stored<Pod>, nodeName: string): Promise<void> {
  const { store } = context;
  const pods = store.find("", "v1", "pods");
  if (!pods) return;
  const { resourceVersion: _, ...metadata } = pod.metadata;
  const body = { ...pod, metadata, spec: { ...pod.spec, nodeName } };
  await Promise.all([
    store.put(pods, metadata.namespace ?? "", metadata.name, body, { subresource: "binding", fieldManager }),
    setScheduled(context, pod, { status: "True" }),
  ]);
}
