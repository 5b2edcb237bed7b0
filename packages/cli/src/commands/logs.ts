import type { KubeClient } from "@coracle/kube";
import type { Pod } from "kubernetes-types/core/v1.js";
import { connect } from "../connect.ts";
import { planDeployment } from "../deployment.ts";
import { CliError } from "../errors.ts";
import { numberOption } from "../options.ts";
import { findSystem } from "../systems.ts";
import { podsOf } from "../wait.ts";
import type { CommandContext, OptionValues } from "./types.ts";

/** Prints the logs of all pods of a system, each line with its pod's name; `--follow` goes on until interrupted. */
export async function logs(
  { home }: CommandContext,
  [name = ""]: readonly string[],
  options: OptionValues,
): Promise<void> {
  const tailLines = numberOption("--tail", options.tail, { min: 0, max: 1_000_000, otherwise: 50 });
  const kube = await connect(home, options.context as string | undefined);
  try {
    const pods = await podsOf(
      await planDeployment(kube, await findSystem(name, options.variant as string | undefined)),
    );
    if (pods.length === 0) throw new CliError(`${name} has no pods. Bring it up: coracle up ${name}`);
    const width = Math.max(...pods.map(({ metadata }) => metadata?.name?.length ?? 0));
    await Promise.all(pods.map((pod) => printLog(kube, pod, width, { follow: options.follow === true, tailLines })));
  } finally {
    kube.close();
  }
}

/** The container that kubectl would choose too. */
const mainContainer = (pod: Pod): string =>
  pod.metadata?.annotations?.["kubectl.kubernetes.io/default-container"] ?? pod.spec?.containers[0]?.name ?? "";

interface LogPart {
  readonly follow: boolean;
  readonly tailLines: number;
}

async function printLog(kube: KubeClient, pod: Pod, width: number, part: LogPart): Promise<void> {
  const { name = "", namespace = "" } = pod.metadata ?? {};
  const prefix = `${name.padEnd(width)}  `;
  let rest = "";
  try {
    for await (const chunk of await kube.logs(name, { namespace, container: mainContainer(pod), ...part })) {
      const lines = (rest + Buffer.from(chunk).toString()).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) process.stdout.write(`${prefix}${line}\n`);
    }
    if (rest) process.stdout.write(`${prefix}${rest}\n`);
  } catch (error) {
    process.stderr.write(`${prefix}(no log: ${(error as Error).message})\n`);
  }
}
