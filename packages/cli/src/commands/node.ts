import { nodeFaultName } from "@coracle/cluster/faults";
import { type KubeClient, resource, resources } from "@coracle/kube";
import type { Node, Pod } from "kubernetes-types/core/v1.js";
import { connectEmbedded } from "../connect.ts";
import { CliError } from "../errors.ts";
import { faults, inject, removeFault } from "../faults.ts";
import { table } from "../table.ts";
import type { CommandContext, OptionValues } from "./types.ts";

const nodes = resource<Node>("v1", "nodes", { namespaced: false });

export async function stop(
  { home, output }: CommandContext,
  [node = ""]: readonly string[],
  options: OptionValues,
): Promise<void> {
  const kube = await connectEmbedded(home);
  try {
    const outOfService = options.outOfService === true;
    if (await isStopped(kube, node)) throw new CliError(`${node} is stopped already. See: coracle node list`);
    await inject(kube, nodeFaultName(node), { kind: "node-stop", node, outOfService });
    output.result({ stopped: node, outOfService }, () => stoppedText(node, outOfService));
  } finally {
    kube.close();
  }
}

const stoppedText = (node: string, outOfService: boolean): string =>
  [
    `${node} is gone: its pods' processes are dead and it is silent.`,
    outOfService
      ? "As soon as it is NotReady its pods move, those of StatefulSets included."
      : "It will become NotReady, and later its pods are evicted; pods of StatefulSets wait for it.",
    `Bring it back: coracle node start ${node}`,
  ].join("\n");

export async function start({ home, output }: CommandContext, [node = ""]: readonly string[]): Promise<void> {
  const kube = await connectEmbedded(home);
  try {
    const wasStopped = await removeFault(kube, nodeFaultName(node));
    if (!wasStopped) throw new CliError(`${node} is not stopped. See: coracle node list`);
    output.result({ started: node }, () => `${node} is back; its pods start again.`);
  } finally {
    kube.close();
  }
}

const isStopped = async (kube: KubeClient, node: string): Promise<boolean> =>
  (await kube.list(faults)).items.some(({ metadata }) => metadata?.name === nodeFaultName(node));

export async function list({ home, output }: CommandContext): Promise<void> {
  const kube = await connectEmbedded(home);
  try {
    const reports = await nodeReports(kube);
    output.result(reports, () => listText(reports));
  } finally {
    kube.close();
  }
}

interface NodeReport {
  readonly name: string;
  /** Whether `node stop` took it away. */
  readonly isStopped: boolean;
  readonly isReady: boolean;
  readonly isSchedulable: boolean;
  readonly pods: number;
}

async function nodeReports(kube: KubeClient): Promise<NodeReport[]> {
  const [all, pods, present] = await Promise.all([
    kube.list(nodes),
    kube.list(resources.pods, { namespace: "*" }),
    kube.list(faults),
  ]);
  const stopped = new Set(present.items.map(({ metadata }) => metadata?.name));
  return all.items.map((node) => reportOf(node, stopped.has(nodeFaultName(node.metadata?.name ?? "")), pods.items));
}

function reportOf({ metadata, spec, status }: Node, isNodeStopped: boolean, pods: readonly Pod[]): NodeReport {
  const name = metadata?.name ?? "";
  return {
    name,
    isStopped: isNodeStopped,
    isReady: status?.conditions?.some((each) => each.type === "Ready" && each.status === "True") ?? false,
    isSchedulable: spec?.unschedulable !== true,
    pods: pods.filter((pod) => pod.spec?.nodeName === name).length,
  };
}

const listText = (reports: readonly NodeReport[]): string =>
  table([
    ["NAME", "STATE", "STATUS", "PODS"],
    ...reports.map(({ name, isStopped: isGone, isReady, isSchedulable, pods }) => [
      name,
      isGone ? "stopped" : "running",
      `${isReady ? "Ready" : "NotReady"}${isSchedulable ? "" : ",SchedulingDisabled"}`,
      String(pods),
    ]),
  ]);
