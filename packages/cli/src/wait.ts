/** Waits until a deployment serves, saying what for; gives up early where waiting is hopeless. */

import { setTimeout as delay } from "node:timers/promises";
import { resources } from "@coracle/kube";
import type { StatefulSet } from "kubernetes-types/apps/v1.js";
import type { Pod, Service } from "kubernetes-types/core/v1.js";
import { type Deployment, type Item, ofKind } from "./deployment.ts";
import { diagnose } from "./diagnose.ts";
import { CliError } from "./errors.ts";
import { podHopeless, servicePending, workloadPending } from "./readiness.ts";

const pollMs = 100;

export interface WaitOptions {
  readonly timeoutMs: number;
  /** Told what is waited for, whenever that changes. */
  readonly report: (pending: string) => void;
}

/** Rejects with CliError that carries the pods' events and last log lines when the time is over or a pod cannot start. */
export async function waitUntilServing(deployment: Deployment, { timeoutMs, report }: WaitOptions): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  let last: string | undefined;
  for (;;) {
    const pending = await firstPending(deployment);
    if (pending === undefined) return;
    if (pending !== last) report(pending);
    last = pending;
    const reason =
      (await stuckPod(deployment)) ?? (performance.now() > deadline ? `still waiting for ${pending}` : undefined);
    if (reason) throw new CliError(`${deployment.system.name} is not up: ${reason}\n${await diagnose(deployment)}`);
    await delay(pollMs);
  }
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

async function stuckPod(deployment: Deployment): Promise<string | undefined> {
  for (const pod of await podsOf(deployment)) {
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
