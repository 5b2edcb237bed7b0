/** Faults that are ordinary changes of objects: deletions, a rolling restart, another number of replicas. */
import { isKubeError, resource, resources } from "@coracle/kube";
import type { StatefulSet } from "kubernetes-types/apps/v1.js";
import type { PersistentVolumeClaim } from "kubernetes-types/core/v1.js";
import type { Fault, Strike } from "./types.ts";

const deletePod: Fault = {
  endsTerm: true,
  summary: "the leader's pod deleted with its grace period",
  async inject({ ground, leader }) {
    await ground.kube.delete(resources.pods, leader.name, { namespace: ground.namespace });
    return { how: `${leader.name} deleted` };
  },
};

const outage: Fault = {
  endsTerm: true,
  summary: "all pods deleted at once, without grace",
  async inject({ ground }) {
    const { namespace, kube } = ground;
    const names = ground.access.members().map(({ name }) => name);
    await Promise.all(names.map((name) => kube.delete(resources.pods, name, { namespace, gracePeriodSeconds: 0 })));
    return { how: `${names.join(", ")} deleted at once without grace` };
  },
};

const claims = resource<PersistentVolumeClaim>("v1", "persistentvolumeclaims");

const wipe: Fault = {
  endsTerm: true,
  summary: "the leader's pod deleted together with its claims: it comes back with an empty disk",
  async inject({ ground, leader, pod, waitFor }) {
    const { namespace, kube } = ground;
    const names = (pod.spec?.volumes ?? []).flatMap(({ persistentVolumeClaim: claim }) =>
      claim ? [claim.claimName] : [],
    );
    const uids = await Promise.all(names.map((name) => uidOf(ground, name)));
    for (const name of names) await kube.delete(claims, name, { namespace });
    await kube.delete(resources.pods, leader.name, { namespace });
    const isNew = async (name: string, n: number): Promise<boolean> => {
      const uid = await uidOf(ground, name);
      return uid !== undefined && uid !== uids[n];
    };
    return {
      how: `${leader.name} deleted together with ${names.join(", ")}`,
      completed: () => waitFor("new claims", async () => (await Promise.all(names.map(isNew))).every((isSo) => isSo)),
    };
  },
};

async function uidOf({ kube, namespace }: Strike["ground"], claim: string): Promise<string | undefined> {
  try {
    return (await kube.get(claims, claim, { namespace })).metadata?.uid;
  } catch (error) {
    if (isKubeError(error, "not-found")) return undefined;
    throw error;
  }
}

const current = ({ ground }: Strike): Promise<StatefulSet> =>
  ground.kube.get(resources.statefulSets, ground.statefulSet, { namespace: ground.namespace });

const patch = ({ ground }: Strike, change: object): Promise<unknown> =>
  ground.kube.patch(resources.statefulSets, ground.statefulSet, change, { namespace: ground.namespace });

/** Whether the controller has done all that the object asks for. */
export function isRolledOut({ metadata, spec, status }: StatefulSet): boolean {
  const wanted = spec?.replicas ?? 1;
  return (
    status?.observedGeneration === metadata?.generation &&
    status?.replicas === wanted &&
    status?.readyReplicas === wanted &&
    status?.updatedReplicas === wanted
  );
}

const rolledOut = (strike: Strike, what: string): Promise<void> =>
  strike.waitFor(what, async () => isRolledOut(await current(strike)));

const restart: Fault = {
  endsTerm: false,
  summary: "a rolling restart, as kubectl rollout restart does it",
  async inject(strike) {
    const annotations = { "kubectl.kubernetes.io/restartedAt": new Date().toISOString() };
    await patch(strike, { spec: { template: { metadata: { annotations } } } });
    return {
      how: `statefulset/${strike.ground.statefulSet} restarted pod by pod`,
      completed: () => rolledOut(strike, "the rolling restart to end"),
    };
  },
};

const MORE = 2;

const scale: Fault = {
  endsTerm: false,
  summary: "two replicas more, then as many as before",
  async inject(strike) {
    const before = (await current(strike)).spec?.replicas ?? 1;
    const scaleTo = (replicas: number) => patch(strike, { spec: { replicas } });
    await scaleTo(before + MORE);
    return {
      how: `${before} to ${before + MORE} replicas and back`,
      completed: async () => {
        await rolledOut(strike, `${before + MORE} replicas to be ready`);
        await scaleTo(before);
        await rolledOut(strike, `${before} replicas to be left`);
      },
      heal: async () => void (await scaleTo(before)),
    };
  },
};

/** What is left in the end of a resize; a set that is smaller stays as it is. */
const FEW = 3;

const resize: Fault = {
  endsTerm: false,
  summary: "two replicas more, then down to three at once, then as many as before",
  async inject(strike) {
    const before = (await current(strike)).spec?.replicas ?? 1;
    const steps = [before + MORE, Math.min(before, FEW), before];
    const scaleTo = (replicas: number) => patch(strike, { spec: { replicas } });
    return {
      how: `${before} to ${steps.join(" to ")} replicas`,
      completed: async () => {
        for (const replicas of steps) {
          await scaleTo(replicas);
          await rolledOut(strike, `${replicas} replicas to be ready`);
        }
      },
      heal: async () => void (await scaleTo(before)),
    };
  },
};

export const objectFaults = { delete: deletePod, outage, wipe, restart, scale, resize };
