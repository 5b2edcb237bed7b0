import type { DaemonSet } from "kubernetes-types/apps/v1.js";
import type { Pod } from "kubernetes-types/core/v1.js";
import type { Stored } from "../../machinery/types.ts";
import { claimChildren } from "../harness/claims.ts";
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { isControlledBy, isDeleting } from "../harness/owners.ts";
import { podControl } from "../harness/pod-control.ts";
import { availableInMs } from "../harness/pods.ts";
import { type ObjectKey, watchAll, watchOwned, watchSelf } from "../harness/watch.ts";
import { listRevisions, syncRevision, trimHistory } from "../revisions/history.ts";
import { hashOf } from "../revisions/revisions.ts";
import { daemonPod, daemonSetStatus, hashLabel, planDaemonSet } from "./plan.ts";

const name = "daemonset-controller";
const resource = "daemonsets.apps";

/** Keeps one pod on every node that a DaemonSet is meant for. */
export function daemonSetController(context: ControllerContext): Controller {
  const { store, clock } = context;
  const pods = podControl(context, name);

  async function reconcile({ namespace, name: setName }: ObjectKey): Promise<number | undefined> {
    const set = store.get(resource, namespace, setName);
    if (!set) return undefined;
    const { selector, template } = set.spec!;
    const owned = (await claimChildren(store, "pods", set, selector)) as Stored<Pod>[];
    const revisions = await listRevisions(store, set, selector);
    const current = await syncRevision(store, set, template, revisions);
    const sight = { set, nodes: store.list("nodes"), pods: owned, hash: hashOf(current), now: clock.now() };
    if (!isDeleting(set)) {
      const { create, remove } = planDaemonSet(sight);
      await Promise.all(remove.map((pod) => pods.remove(set, pod)));
      await Promise.all(create.map((node) => pods.create(set, daemonPod(set, template, node, sight.hash))));
    }
    const present = store.list("pods", { namespace }).filter((pod) => isControlledBy(pod, set));
    await writeStatus(set, daemonSetStatus({ ...sight, pods: present, now: clock.now() }));
    const inUse = new Set(
      revisions.filter((each) => usesRevision(present, hashOf(each))).map(({ metadata }) => metadata.name),
    );
    await trimHistory(store, revisions, set.spec?.revisionHistoryLimit ?? 10, inUse.add(current.metadata.name));
    return soonest(present.map((pod) => availableInMs(pod, set.spec?.minReadySeconds ?? 0, clock.now())));
  }

  async function writeStatus({ metadata }: Stored<DaemonSet>, status: DaemonSet["status"]): Promise<void> {
    const change = (draft: DaemonSet) => {
      const { numberAvailable: _, numberUnavailable: __, ...others } = draft.status ?? {}; // absent where they are zero
      Object.assign(draft, { status: { ...others, ...status } });
    };
    const write = { subresource: "status", fieldManager: name } as const;
    await store.modify(resource, metadata.namespace ?? "", metadata.name, change, write);
  }

  return {
    name,
    watches: [watchSelf(resource), watchOwned("pods", "DaemonSet"), watchAll(resource, "nodes")],
    reconcile,
  };
}

const usesRevision = (pods: readonly Pod[], hash: string) =>
  pods.some(({ metadata }) => metadata?.labels?.[hashLabel] === hash);

function soonest(waits: readonly (number | undefined)[]): number | undefined {
  const open = waits.filter((wait) => wait !== undefined && wait > 0) as number[];
  return open.length > 0 ? Math.min(...open) : undefined;
}
