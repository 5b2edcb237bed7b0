import { readFile, rm } from "node:fs/promises";
import type { KubeClient } from "@coracle/kube";
import { resources } from "@coracle/kube";
import { connectEmbedded } from "../connect.ts";
import { ensureDaemon, stopDaemon } from "../daemon-control.ts";
import { type DaemonRecord, runningDaemon } from "../daemon-record.ts";
import { CliError } from "../errors.ts";
import type { Home } from "../home.ts";
import { numberOption } from "../options.ts";
import type { CommandContext, OptionValues } from "./types.ts";

export async function start(
  { home, output }: CommandContext,
  _: readonly string[],
  options: OptionValues,
): Promise<void> {
  const nodes = numberOption("--nodes", options.nodes, { min: 1, max: 100, otherwise: 1 });
  const isolation = options.isolation as string | undefined;
  const { started, ...record } = await ensureDaemon(home, { nodes, ...(isolation !== undefined && { isolation }) });
  output.result({ ...record, started }, () =>
    started
      ? `The cluster runs at ${record.url}.\nUse it: eval "$(coracle env)"`
      : `The cluster runs already at ${record.url}.`,
  );
}

export async function stop({ home, output }: CommandContext): Promise<void> {
  const stopped = await stopDaemon(home);
  output.result({ stopped }, () =>
    stopped ? "The cluster and its pods have ended; objects and volumes are kept." : "No cluster runs here.",
  );
}

export async function status({ home, output }: CommandContext): Promise<void> {
  const record = await runningDaemon(home);
  if (!record) {
    output.result({ running: false }, () => "No cluster runs here. Start one: coracle cluster start");
    process.exitCode = 3;
    return;
  }
  const kube = await connectEmbedded(home);
  try {
    const report = {
      running: true,
      ...record,
      memoryBytes: await memoryOf(record.pid),
      pods: await podCount(kube),
      home: home.dir,
    };
    output.result(report, () => statusText(report));
  } finally {
    kube.close();
  }
}

type Report = DaemonRecord & { readonly memoryBytes: number | undefined; readonly pods: number; readonly home: string };

function statusText({ url, pid, startedAt, nodes, isolation, memoryBytes, pods, home }: Report): string {
  const memory = memoryBytes === undefined ? "" : `, ${Math.round(memoryBytes / 1e6)} MB`;
  return [
    `Cluster    ${url}`,
    `Process    ${pid}, since ${startedAt}${memory}`,
    `Nodes      ${nodes.join(", ")}`,
    `Pods       ${pods}`,
    `Isolation  ${isolation}`,
    `State      ${home}`,
  ].join("\n");
}

async function podCount(kube: KubeClient): Promise<number> {
  return (await kube.list(resources.pods, { namespace: "*" })).items.length;
}

async function memoryOf(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

export async function remove(
  { home, output }: CommandContext,
  _: readonly string[],
  options: OptionValues,
): Promise<void> {
  if (options.yes !== true && !(await confirmed(home)))
    throw new CliError(
      "Nothing was deleted. To delete the cluster with all its volumes without a question: coracle cluster delete --yes",
      {
        exitCode: 2,
      },
    );
  await stopDaemon(home);
  for (const path of [home.clusterDir, home.kubeconfig, home.daemonLog, home.daemonFile])
    await rm(path, { recursive: true, force: true });
  output.result({ deleted: true }, () => "The cluster, its objects and its volumes are gone.");
}

async function confirmed(home: Home): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const { createInterface } = await import("node:readline/promises");
  const questions = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await questions.question(`Delete the cluster in ${home.dir} with all objects and volumes? Type yes: `);
  questions.close();
  return answer.trim() === "yes";
}
