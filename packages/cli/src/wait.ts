/** Waits until a deployment serves, saying what for; gives up early where waiting is hopeless. */

import { setTimeout as delay } from "node:timers/promises";
import { resources } from "@coracle/kube";
import type { StatefulSet } from "kubernetes-types/apps/v1.js";
import type { Pod, Service } from "kubernetes-types/core/v1.js";
import { type Deployment, type Item, ofKind } from "./deployment.ts";
import { diagnose } from "./diagnose.ts";
import { CliError } from "./errors.ts";
import { optionalNote, podHopeless, servicePending, unprobed, workloadPending } from "./readiness.ts";

const pollMs = 100;
/** How long a container without a readiness probe has to run until it counts: it is ready from its first instant, even when it dies in its next. */
const settleMs = 1_000;
/** For what is optional, once all else serves: as long as a small program takes to start. */
const optionalPatienceMs = 20_000;

export interface WaitOptions {
  readonly timeoutMs: number;
  /** Told what is waited for, whenever that changes. */
  readonly report: (pending: string) => void;
}

/** Rejects with CliError that carries the pods' events and last log lines when the time is over or a pod cannot start. */
export async function waitUntilServing(deployment: Deployment, { timeoutMs, report }: WaitOptions): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  const required = deployment.items.filter(({ object }) => optionalNote(object) === undefined);
  await waitFor({ ...deployment, items: required }, deadline, report, async (reason) => {
    throw new CliError(`${deployment.system.name} is not up: ${reason}\n${await diagnose(deployment)}`);
  });
  const patience = Math.min(deadline, performance.now() + optionalPatienceMs);
  await waitFor(optionalPart(deployment), patience, report, async () => undefined);
}

/** The objects of a deployment that it also serves without. */
export const optionalPart = (deployment: Deployment): Deployment => ({
  ...deployment,
  items: deployment.items.filter(({ object }) => optionalNote(object) !== undefined),
});

/** Returns when nothing is pending, or after telling `giveUp` why there is no hope for what is. */
async function waitFor(
  deployment: Deployment,
  deadline: number,
  report: (pending: string) => void,
  giveUp: (reason: string) => Promise<void>,
): Promise<void> {
  let last: string | undefined;
  let settling = { containers: "", since: 0 };
  for (;;) {
    const unready = await firstPending(deployment);
    const pods = await podsOf(deployment);
    const containers = pods.flatMap(unprobed).join();
    if (containers !== settling.containers) settling = { containers, since: performance.now() };
    const isSettled = containers === "" || performance.now() - settling.since >= settleMs;
    const pending = unready ?? (isSettled ? undefined : "containers without a readiness probe to stay up for a second");
    if (pending === undefined) return;
    if (pending !== last) report(pending);
    last = pending;
    const reason = stuck(pods) ?? (performance.now() > deadline ? `still waiting for ${pending}` : undefined);
    if (reason) return giveUp(reason);
    await delay(pollMs);
  }
}

/** What the system does without at this moment, each with the consequence that its manifest tells. */
export async function missingParts(deployment: Deployment): Promise<string[]> {
  const optional = optionalPart(deployment);
  const lines = ofKind(optional, "StatefulSet", "Deployment", "DaemonSet").map(async (item) => {
    const one = { ...optional, items: [item] };
    const pending = await firstPending(one);
    if (pending === undefined) return [];
    return [`${stuck(await podsOf(one)) ?? `waiting for ${pending}`}; ${optionalNote(item.object)}`];
  });
  return (await Promise.all(lines)).flat();
}

async function firstPending(deployment: Deployment): Promise<string | undefined> {
  for (const item of ofKind(deployment, "StatefulSet", "Deployment", "DaemonSet")) {
    const pending = workloadPending(await current<StatefulSet>(deployment, item));
    if (pending) return pending;
  }
  for (const item of ofKind(deployment, "Service")) {
    const pending = await servicePendingNow(deployment, item);
    if (pending) return pending;
  }
  return undefined;
}

async function servicePendingNow(deployment: Deployment, item: Item): Promise<string | undefined> {
  const { items } = await deployment.kube.list(resources.endpointSlices, {
    namespace: item.namespace,
    labelSelector: `kubernetes.io/service-name=${item.object.metadata.name}`,
  });
  return servicePending(item.object as Service, items);
}

const current = <T>({ kube }: Deployment, { object, resource, namespace }: Item): Promise<T> =>
  kube.get(resource, object.metadata.name, { namespace }) as Promise<T>;

/** Why one of them can't start, if so. */
function stuck(pods: readonly Pod[]): string | undefined {
  for (const pod of pods) {
    const reason = podHopeless(pod);
    if (reason) return reason;
  }
  return undefined;
}

/** The pods that the deployment's workloads select, by name. */
export async function podsOf(deployment: Deployment): Promise<Pod[]> {
  const workloads = ofKind(deployment, "StatefulSet", "Deployment", "DaemonSet");
  const lists = await Promise.all(
    workloads.map(({ object, namespace }) =>
      deployment.kube.list(resources.pods, {
        namespace,
        labelSelector: Object.entries((object as StatefulSet).spec?.selector.matchLabels ?? {})
          .map(([key, value]) => `${key}=${value}`)
          .join(","),
      }),
    ),
  );
  return lists.flatMap(({ items }) => [...items]).sort(byName);
}

const byName = (a: Pod, b: Pod): number =>
  (a.metadata?.name ?? "").localeCompare(b.metadata?.name ?? "", "en", { numeric: true });
