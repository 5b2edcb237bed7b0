/** Faults that the kubelet performs: kill, pause, stop a node. */
import type { Taint } from "kubernetes-types/core/v1.js";
import { timestamp } from "../../controllers/harness/time.ts";
import { outOfService } from "../../controllers/node/health.ts";
import { FaultError } from "../errors.ts";
import { labelOf, type PodTarget, podsOf, refOf } from "../targets.ts";
import type { FaultWorld, Injected } from "../types.ts";

/** Rejects with FaultError when none of the pods runs. */
export function kill(target: PodTarget & { readonly container?: string | undefined }, world: FaultWorld): Injected {
  const hit = podsOf(world.store, target).filter((pod) => world.machines.killPod(refOf(pod), target.container));
  return { affected: someOf(hit.map(labelOf)) };
}

/** Rejects with FaultError when none of the pods runs. */
export function pause(target: PodTarget, { store, machines }: FaultWorld): Injected {
  const hit = podsOf(store, target).filter((pod) => machines.freezePod(refOf(pod)));
  return {
    affected: someOf(hit.map(labelOf)),
    undo: () => {
      for (const pod of hit) machines.thawPod(refOf(pod));
    },
  };
}

function someOf(affected: readonly string[]): readonly string[] {
  if (affected.length === 0)
    throw new FaultError("no-target", "None of these pods runs. See: kubectl get pods --all-namespaces");
  return affected;
}

interface NodeTarget {
  readonly node: string;
  readonly outOfService?: boolean | undefined;
}

/** Rejects with FaultError for a node that does not exist. */
export async function stopNode(target: NodeTarget, { store, machines, clock }: FaultWorld): Promise<Injected> {
  const { node } = target;
  if (store.get("nodes", "", node) === undefined)
    throw new FaultError("no-target", `There is no node ${node}. See: kubectl get nodes`);
  await machines.stopNode(node);
  const taint: Taint = {
    key: outOfService,
    value: "nodeshutdown",
    effect: "NoExecute",
    timeAdded: timestamp(clock.now()),
  };
  const setTaint = (taints: readonly Taint[]) =>
    store.modify("nodes", "", node, (draft) => {
      const others = (draft.spec?.taints ?? []).filter(({ key }) => key !== outOfService);
      draft.spec = { ...draft.spec, taints: [...others, ...taints] };
    });
  if (target.outOfService) await setTaint([taint]);
  return {
    affected: [node],
    async undo() {
      if (target.outOfService) await setTaint([]);
      await machines.startNode(node);
    },
  };
}
