/** Backups now, and restoring them: jobs made from the system's own CronJob, because its pods are the ones that have the volume. */
import { createInterface } from "node:readline/promises";
import { setTimeout as delay } from "node:timers/promises";
import { isKubeError, type KubeClient, resource, resources } from "@coracle/kube";
import type { CronJob, Job } from "kubernetes-types/batch/v1.js";
import { connect } from "../connect.ts";
import { ofKind, planDeployment } from "../deployment.ts";
import { CliError } from "../errors.ts";
import { numberOption } from "../options.ts";
import { runSteps } from "../progress.ts";
import { findSystem } from "../systems.ts";
import type { CommandContext, OptionValues } from "./types.ts";

const cronJobs = resource<CronJob>("batch/v1", "cronjobs");
const jobs = resource<Job>("batch/v1", "jobs");
const POLL_MS = 200;

export const backup = (call: CommandContext, [name = ""]: readonly string[], options: OptionValues): Promise<void> =>
  runJob(call, name, options, { title: `Back up ${name}`, verb: "backup" });

/** Replaces all data. Asks first, unless told not to. */
export async function restore(
  call: CommandContext,
  [name = ""]: readonly string[],
  options: OptionValues,
): Promise<void> {
  const from = (options.from as string | undefined) ?? "latest";
  if (options.yes !== true && !(await confirmed(name, from)))
    throw new CliError(
      `Nothing was changed. To replace all data of ${name} without a question: coracle restore ${name} --yes`,
      {
        exitCode: 2,
      },
    );
  await runJob(call, name, options, { title: `Restore ${name} from ${from}`, verb: "restore", from });
}

async function confirmed(name: string, from: string): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const questions = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await questions.question(`Replace all data of ${name} by the backup ${from}? Type yes: `);
  questions.close();
  return answer.trim() === "yes";
}

interface Work {
  readonly title: string;
  readonly verb: "backup" | "restore";
  /** For a restore: which backup. */
  readonly from?: string;
}

async function runJob(
  { home, output }: CommandContext,
  name: string,
  options: OptionValues,
  work: Work,
): Promise<void> {
  const timeoutMs = numberOption("--timeout", options.timeout, { min: 1, max: 86_400, otherwise: 600 }) * 1000;
  const system = await findSystem(name);
  const { restore: rules } = system;
  if (!rules) throw new CliError(`${name} has no backups (coracle.restore in its package.json).`);
  const kube = await connect(home, options.context as string | undefined);
  try {
    const [item] = ofKind(await planDeployment(kube, system), "CronJob").filter(
      ({ object }) => object.metadata.name === rules.cronJob,
    );
    const namespace = item?.namespace ?? kube.namespace;
    const cronJob = await kube.get(cronJobs, rules.cronJob, { namespace });
    const job = jobFrom(cronJob, work, rules.args);
    let log = "";
    const run = async (report: (line: string) => void): Promise<void> => {
      const created = await kube.create(jobs, job, { namespace });
      report(`job/${created.metadata?.name}`);
      log = await outcomeOf(kube, namespace, created.metadata?.name ?? "", timeoutMs);
    };
    await runSteps([{ title: work.title, run }]);
    output.result({ system: name, ...work, log }, () => log);
  } finally {
    kube.close();
  }
}

/** One attempt: a restore that failed says why and leaves it to the user what comes next. */
function jobFrom({ metadata, spec }: CronJob, { verb, from }: Work, restoreArgs: readonly string[]): Job {
  const { template, ...rest } = spec?.jobTemplate.spec ?? {};
  const pod = template?.spec;
  const [container, ...others] = pod?.containers ?? [];
  if (!pod || !container) throw new CliError(`cronjob/${metadata?.name} has no container.`);
  const args = verb === "backup" ? container.args : [...restoreArgs, ...(from === undefined ? [] : ["--from", from])];
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { generateName: `${metadata?.name}-${verb}-`, labels: { ...template?.metadata?.labels } },
    spec: {
      ...rest,
      backoffLimit: 0,
      template: {
        metadata: { labels: { ...template?.metadata?.labels } },
        spec: { ...pod, restartPolicy: "Never", containers: [{ ...container, ...(args && { args }) }, ...others] },
      },
    },
  };
}

/** Resolves with what the job printed; rejects with it when the job failed. */
async function outcomeOf(kube: KubeClient, namespace: string, name: string, timeoutMs: number): Promise<string> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const { status } = await kube.get(jobs, name, { namespace });
    const ended = status?.conditions?.find(
      ({ type, status: is }) => is === "True" && (type === "Complete" || type === "Failed"),
    );
    if (ended?.type === "Complete") return logOf(kube, namespace, name);
    if (ended)
      throw new CliError(`job/${name} failed: ${ended.message ?? ended.reason}\n${await logOf(kube, namespace, name)}`);
    if (performance.now() > deadline)
      throw new CliError(
        `job/${name} did not end within ${timeoutMs / 1000} s. It goes on: kubectl logs -n ${namespace} job/${name}`,
      );
    await delay(POLL_MS);
  }
}

async function logOf(kube: KubeClient, namespace: string, job: string): Promise<string> {
  const { items } = await kube.list(resources.pods, { namespace, labelSelector: `job-name=${job}` });
  const parts = await Promise.all(items.map(({ metadata }) => readLog(kube, namespace, metadata?.name ?? "")));
  return parts.join("\n").trim();
}

async function readLog(kube: KubeClient, namespace: string, pod: string): Promise<string> {
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of await kube.logs(pod, { namespace })) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  } catch (error) {
    if (!isKubeError(error)) throw error;
    return `(no log of ${pod}: ${error.message})`;
  }
}
