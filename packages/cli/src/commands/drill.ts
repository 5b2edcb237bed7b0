import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  type DrillPlugin,
  type DrillReport,
  type FaultName,
  faultNames,
  pageOf,
  runDrill,
  type Site,
  summaryOf,
} from "@coracle/drill";
import { isKubeError, type KubeClient, resources } from "@coracle/kube";
import type { StatefulSet } from "kubernetes-types/apps/v1.js";
import { connect, officialConfig } from "../connect.ts";
import { ofKind, planDeployment } from "../deployment.ts";
import { CliError } from "../errors.ts";
import type { Home } from "../home.ts";
import { numberOption } from "../options.ts";
import { execInPod, forwardPorts } from "../pod-streams.ts";
import { runSteps } from "../progress.ts";
import { findSystem, type System } from "../systems.ts";
import type { CommandContext, OptionValues } from "./types.ts";

/** Replicas that a drill may add; their ports are forwarded too. */
const SPARE_REPLICAS = 2;
/** As shells count a command ended by SIGINT. */
const INTERRUPTED = 130;

/** Injects faults under load, writes the report and ends with code 1 when a promise broke. */
export async function drill(
  { home, output }: CommandContext,
  [name = ""]: readonly string[],
  options: OptionValues,
): Promise<void> {
  const context = options.context as string | undefined;
  const system = await findSystem(name);
  const plugin = await pluginOf(system);
  const settings = drillSettings(options);
  const kube = await connect(home, context);
  const breakOff = new AbortController();
  const interrupt = (): void => breakOff.abort();
  process.once("SIGINT", interrupt);
  try {
    const { site, stop } = await siteOf(kube, system, plugin, { home, context });
    let report: DrillReport | undefined;
    try {
      const run = async (say: (line: string) => void): Promise<void> => {
        const cluster = context === undefined ? "embedded cluster" : `context ${context}`;
        report = await runDrill({
          system: name,
          cluster,
          plugin,
          site,
          ...settings,
          signal: breakOff.signal,
          report: say,
        });
      };
      await runSteps([{ title: `Drill ${name}: ${settings.faults.join(", ")} (seed ${settings.seed})`, run }]);
    } catch (error) {
      if (!breakOff.signal.aborted) throw error;
      throw new CliError("Broken off; the fault under way was undone.", { exitCode: INTERRUPTED });
    } finally {
      stop();
    }
    const files = await writeReport(
      report as DrillReport,
      (options.out as string | undefined) ?? join(home.dir, "drills"),
    );
    output.result(report, () => `${summaryOf(report as DrillReport)}\n\nReport  ${files.join("\n        ")}`);
    if ((report as DrillReport).broken.length > 0) process.exitCode = 1;
  } finally {
    process.off("SIGINT", interrupt);
    kube.close();
  }
}

/** Loaded by path: a system is never imported by the command. */
async function pluginOf({ name, drill }: System): Promise<DrillPlugin> {
  if (drill === undefined)
    throw new CliError(`${name} does not say how to drill it (coracle.drill in its package.json).`);
  const module = (await import(pathToFileURL(drill).href)) as { drill?: DrillPlugin };
  if (!module.drill) throw new CliError(`${drill} exports no drill.`);
  return module.drill;
}

function drillSettings(options: OptionValues) {
  const number = (flag: "repeat" | "clients" | "timeout" | "hold" | "seed", otherwise: number, max: number): number =>
    numberOption(`--${flag}`, options[flag], { min: flag === "seed" ? 0 : 1, max, otherwise });
  const names = listOf(options.fault ?? "kill").map(faultNamed);
  const repeat = number("repeat", 1, 10_000);
  return {
    faults: Array.from({ length: repeat }, () => names).flat(),
    clients: number("clients", 16, 1000),
    seed: number("seed", Date.now() % 1_000_000, 2 ** 31),
    timeoutMs: number("timeout", 120, 86_400) * 1000,
    holdMs: number("hold", 10, 3600) * 1000,
    mix: mixOf(listOf(options.ops ?? "")),
  };
}

const listOf = (text: string | boolean): string[] => String(text).split(",").filter(Boolean);

function faultNamed(name: string): FaultName {
  const found = faultNames.find((known) => known === name);
  if (found) return found;
  throw new CliError(`There is no fault ${name}. Faults: ${faultNames.join(", ")}.`, { exitCode: 2 });
}

function mixOf(shares: readonly string[]): Record<string, number> {
  const entries = shares.map((share) => {
    const match = /^([\w-]+)=(\d+)$/.exec(share);
    if (!match) throw new CliError(`--ops takes shares such as read=4,write=3, not ${share}.`, { exitCode: 2 });
    return [match[1] as string, Number(match[2])] as const;
  });
  return Object.fromEntries(entries);
}

interface Place {
  readonly home: Home;
  readonly context: string | undefined;
}

/** The embedded cluster's pods are reached at their own addresses; those of any other through forwarded ports. */
async function siteOf(
  kube: KubeClient,
  system: System,
  plugin: DrillPlugin,
  { home, context }: Place,
): Promise<{ site: Site; stop(): void }> {
  const set = await runningSet(kube, system);
  const { name = "", namespace = "" } = set.metadata ?? {};
  const config = await officialConfig(home, context);
  const names = Array.from({ length: (set.spec?.replicas ?? 1) + SPARE_REPLICAS }, (_, n) => `${name}-${n}`);
  const forwards = context === undefined ? undefined : await forwardPorts(config, namespace, names, plugin.port);
  const site: Site = {
    kube,
    namespace,
    statefulSet: name,
    labels: set.spec?.selector.matchLabels ?? {},
    exec: (pod, container, command) => execInPod(config, { namespace, pod, container, command }),
    reach: (pod, port) => forwards?.reach(pod.name, port) ?? { host: pod.address, port },
  };
  return { site, stop: () => forwards?.stop() };
}

async function runningSet(kube: KubeClient, system: System): Promise<StatefulSet> {
  const [item] = ofKind(await planDeployment(kube, system), "StatefulSet");
  if (!item) throw new CliError(`${system.name} has no StatefulSet to drill.`);
  try {
    return await kube.get(resources.statefulSets, item.object.metadata.name, { namespace: item.namespace });
  } catch (error) {
    if (!isKubeError(error, "not-found")) throw error;
    throw new CliError(`${system.name} is not up. Bring it up: coracle up ${system.name}`);
  }
}

async function writeReport(report: DrillReport, folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const base = join(folder, `${report.system}-${report.startedAt.replaceAll(/[-:]|\.\d+/g, "")}`);
  await writeFile(`${base}.json`, `${JSON.stringify(report, undefined, 2)}\n`);
  await writeFile(`${base}.html`, pageOf(report));
  return [`${base}.json`, `${base}.html`];
}
