/** What a user needs to see when a deployment does not come up: the events and the last log lines of the pods that are not ready. */
import { isPodReady, resources } from "@coracle/kube";
import type { Pod } from "kubernetes-types/core/v1.js";
import type { Deployment } from "./deployment.ts";
import { podsOf } from "./wait.ts";

const eventsPerPod = 5;
const logLines = 8;
const podsShown = 3;

export async function diagnose(deployment: Deployment): Promise<string> {
  const pods = (await podsOf(deployment)).filter((pod) => !isPodReady(pod));
  if (pods.length === 0) return "No pod is unready. Look at: kubectl get events -A --sort-by=.lastTimestamp";
  const shown = await Promise.all(pods.slice(0, podsShown).map((pod) => diagnosePod(deployment, pod)));
  const more = pods.length > podsShown ? [`...and ${pods.length - podsShown} more pods that are not ready`] : [];
  return [...shown, ...more].join("\n");
}

async function diagnosePod(deployment: Deployment, pod: Pod): Promise<string> {
  const { name = "", namespace = "" } = pod.metadata ?? {};
  const events = await podEvents(deployment, name, namespace);
  const logs = await Promise.all(
    startedContainers(pod).map((container) => tail(deployment, name, namespace, container)),
  );
  return [`Pod ${namespace}/${name} (${pod.status?.phase ?? "no phase"})`, ...events, ...logs.flat()].join("\n");
}

async function podEvents({ kube }: Deployment, name: string, namespace: string): Promise<string[]> {
  const { items } = await kube.list(resources.events, { namespace, fieldSelector: `involvedObject.name=${name}` });
  return items.slice(-eventsPerPod).map((event) => `  event  ${event.type} ${event.reason}: ${event.message}`);
}

function startedContainers(pod: Pod): string[] {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  return statuses.filter(({ state, lastState }) => !state?.waiting || lastState?.terminated).map(({ name }) => name);
}

async function tail({ kube }: Deployment, pod: string, namespace: string, container: string): Promise<string[]> {
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of await kube.logs(pod, { namespace, container, tailLines: logLines })) chunks.push(chunk);
    const lines = Buffer.concat(chunks).toString().trimEnd().split("\n");
    return lines.filter(Boolean).map((line) => `  ${container}  ${line}`);
  } catch (error) {
    return [`  ${container}  (no log: ${(error as Error).message})`];
  }
}
