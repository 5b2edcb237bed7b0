import type { KubeClient } from "@coracle/kube";
import { applyAll } from "../apply.ts";
import { connect, officialConfig } from "../connect.ts";
import { ensureDaemon } from "../daemon-control.ts";
import { type Deployment, planDeployment } from "../deployment.ts";
import { numberOption } from "../options.ts";
import { runSteps, type Step } from "../progress.ts";
import { summarize, summaryText } from "../summary.ts";
import { findSystem } from "../systems.ts";
import { waitUntilServing } from "../wait.ts";
import type { CommandContext, OptionValues } from "./types.ts";

/** Brings a system up on the embedded cluster (started if none runs) or on the cluster of `--context`, and shows what stands. */
export async function up(
  { home, output }: CommandContext,
  [name = ""]: readonly string[],
  options: OptionValues,
): Promise<void> {
  const context = options.context as string | undefined;
  const timeoutMs = numberOption("--timeout", options.timeout, { min: 1, max: 86_400, otherwise: 300 }) * 1000;
  const system = await findSystem(name, options.variant as string | undefined);
  let kube: KubeClient | undefined;
  let deployment: Deployment | undefined;
  const startedAt = performance.now();
  const steps: Step[] = [
    {
      title: context === undefined ? "Cluster on this machine" : `Cluster of context ${context}`,
      run: async (report) => {
        if (context === undefined) {
          const { url, started } = await ensureDaemon(home);
          report(started ? `started at ${url}` : `runs at ${url}`);
        }
        kube = await connect(home, context);
      },
    },
    {
      title: `Apply ${system.name}`,
      run: async (report) => {
        deployment = await planDeployment(kube as KubeClient, system);
        await applyAll(deployment, report);
      },
    },
    {
      title: "Wait until it serves",
      run: (report) => waitUntilServing(deployment as Deployment, { timeoutMs, report }),
    },
  ];
  try {
    await runSteps(steps);
    const summary = await summarize(deployment as Deployment, context === undefined, () =>
      officialConfig(home, context),
    );
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    output.result(summary, () => `\n${summaryText(summary)}\n\nUp after ${seconds} s.`);
  } finally {
    kube?.close();
  }
}
