import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { KubeClient } from "@coracle/kube";
import { isKubeError } from "@coracle/kube";
import { connect, type OfficialConfig, officialConfig } from "../connect.ts";
import { planDeployment } from "../deployment.ts";
import { workspaceRoot } from "../home.ts";
import { type Summary, summarize, summaryText } from "../summary.ts";
import { findSystem } from "../systems.ts";
import type { CommandContext, OptionValues } from "./types.ts";

/** Shows one system, or every system that has pods on the cluster. */
export async function status(
  { home, output }: CommandContext,
  [name]: readonly string[],
  options: OptionValues,
): Promise<void> {
  const context = options.context as string | undefined;
  const kube = await connect(home, context);
  try {
    const names = name === undefined ? await readdir(join(workspaceRoot, "systems")) : [name];
    const summaries = (
      await Promise.all(
        names.map((each) => summaryOf(kube, each, context === undefined, () => officialConfig(home, context))),
      )
    ).filter((summary): summary is Summary => summary !== undefined && (name !== undefined || summary.pods.length > 0));
    output.result(name === undefined ? summaries : summaries[0], () => text(summaries, name));
  } finally {
    kube.close();
  }
}

async function summaryOf(
  kube: KubeClient,
  name: string,
  onLoopback: boolean,
  config: () => Promise<OfficialConfig>,
): Promise<Summary | undefined> {
  try {
    return await summarize(await planDeployment(kube, await findSystem(name)), onLoopback, config);
  } catch (error) {
    if (isKubeError(error, "not-found")) return undefined;
    throw error;
  }
}

function text(summaries: readonly Summary[], name: string | undefined): string {
  if (summaries.length > 0) return summaries.map(summaryText).join("\n\n");
  return name === undefined
    ? "No system is up. Bring one up: coracle up kvstore"
    : `${name} is not up. Bring it up: coracle up ${name}`;
}
