import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  type DrillPlugin,
  type DrillReport,
  type FaultName,
  faultNames,
  isScenarioPlugin,
  pageOf,
  runDrill,
  runScenarios,
  type ScenarioPlugin,
  type ScenarioReport,
  type Site,
  scenarioSummary,
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

/** Injects faults under load, or runs the system's own scenarios; writes the report and ends with code 1 when a promise broke. */
export async function drill(
  { home, output }: CommandContext,
  [name = ""]: readonly string[],
  options: OptionValues,
): Promise<void> {
  const context = options.context as string | undefined;
  const system = await findSystem(name);
  const plugin = await pluginOf(system);
  const kube = await connect(home, context);
  const breakOff = new AbortController();
  const interrupt = (): void => breakOff.abort();
  process.once("SIGINT", interrupt);
  try {
    const cluster = context === undefined ? "embedded cluster" : `context ${context}`;
    const place: DrillPlace = { kube, system, home, context, cluster, signal: breakOff.signal };
    const done = isScenarioPlugin(plugin)
      ? await scenarioDrill(place, plugin, options)
      : await loadDrill(place, plugin, options);
    const files = await writeReport(done, (options.out as string | undefined) ?? join(home.dir, "drills"));
    output.result(done.report, () => `${done.summary}\n\nReport  ${files.join("\n        ")}`);
    if (done.report.broken.length > 0) process.exitCode = 1;
  } finally {
    process.off("SIGINT", interrupt);
    kube.close();
  }
}

interface DrillPlace extends Place {
  readonly kube: KubeClient;
  readonly system: System;
  /** For the report. */
  readonly cluster: string;
  readonly signal: AbortSignal;
}

interface Done {
  readonly report: DrillReport | ScenarioReport;
  readonly summary: string;
  readonly page?: string;
}

async function loadDrill(place: DrillPlace, plugin: DrillPlugin, options: OptionValues): Promise<Done> {
  const { kube, system, cluster, signal } = place;
  const settings = drillSettings(options);
  const { site, stop } = await siteOf(kube, system, plugin, place);
  try {
    const title = `Drill ${system.name}: ${settings.faults.join(", ")} (seed ${settings.seed})`;
    const report = await unlessBrokenOff(signal, title, (say) =>
      runDrill({ system: system.name, cluster, plugin, site, ...settings, signal, report: say }),
    );
    return { report, summary: summaryOf(report), page: pageOf(report) };
  } finally {
    stop();
  }
}

async function scenarioDrill(place: DrillPlace, plugin: ScenarioPlugin, options: OptionValues): Promise<Done> {
  const { kube, system, home, context, cluster, signal } = place;
  const { seed, timeoutMs, holdMs, repeat } = timesOf(options);
  const named = options.fault === undefined ? plugin.usual : listOf(options.fault);
  const unknown = named.find((each) => !Object.hasOwn(plugin.scenarios, each));
  if (unknown !== undefined)
    throw new CliError(`There is no fault ${unknown}. Faults: ${Object.keys(plugin.scenarios).join(", ")}.`, {
      exitCode: 2,
    });
  const { namespace = "" } = (await runningSet(kube, system)).metadata ?? {};
  const config = await officialConfig(home, context);
  const site: Pick<Site, "kube" | "namespace" | "exec"> = {
    kube,
    namespace,
    exec: (pod, container, command) => execInPod(config, { namespace, pod, container, command }),
  };
  const scenarios = Array.from({ length: repeat }, () => named).flat();
  const title = `Drill ${system.name}: ${scenarios.join(", ")} (seed ${seed})`;
  const report = await unlessBrokenOff(signal, title, (say) =>
    runScenarios({
      system: system.name,
      cluster,
      plugin,
      site,
      scenarios,
      seed,
      timeoutMs,
      holdMs,
      signal,
      report: say,
    }),
  );
  return { report, summary: scenarioSummary(report) };
}

/** Runs as one step; what the user broke off ends as such. */
async function unlessBrokenOff<T>(
  signal: AbortSignal,
  title: string,
  run: (say: (line: string) => void) => Promise<T>,
): Promise<T> {
  let result: { readonly value: T } | undefined;
  try {
    await runSteps([
      {
        title,
        run: async (say) => {
          result = { value: await run(say) };
        },
      },
    ]);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new CliError("Broken off; the fault under way was undone.", { exitCode: INTERRUPTED });
  }
  return (result as { readonly value: T }).value;
}

/** Loaded by path: a system is never imported by the command. */
async function pluginOf({ name, drill }: System): Promise<DrillPlugin | ScenarioPlugin> {
  if (drill === undefined)
    throw new CliError(`${name} does not say how to drill it (coracle.drill in its package.json).`);
  const module = (await import(pathToFileURL(drill).href)) as { drill?: DrillPlugin | ScenarioPlugin };
  if (!module.drill) throw new CliError(`${drill} exports no drill.`);
  return module.drill;
}

function timesOf(options: OptionValues) {
  const number = (flag: "repeat" | "timeout" | "hold" | "seed", otherwise: number, max: number): number =>
    numberOption(`--${flag}`, options[flag], { min: flag === "seed" ? 0 : 1, max, otherwise });
  return {
    repeat: number("repeat", 1, 10_000),
    seed: number("seed", Date.now() % 1_000_000, 2 ** 31),
    timeoutMs: number("timeout", 120, 86_400) * 1000,
    holdMs: number("hold", 10, 3600) * 1000,
  };
}

function drillSettings(options: OptionValues) {
  const { repeat, ...times } = timesOf(options);
  const names = listOf(options.fault ?? "kill").map(faultNamed);
  return {
    ...times,
    faults: Array.from({ length: repeat }, () => names).flat(),
    clients: numberOption("--clients", options.clients, { min: 1, max: 1000, otherwise: 16 }),
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

async function writeReport({ report, page }: Done, folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const base = join(folder, `${report.system}-${report.startedAt.replaceAll(/[-:]|\.\d+/g, "")}`);
  const files = [`${base}.json`];
  await writeFile(`${base}.json`, `${JSON.stringify(report, undefined, 2)}\n`);
  if (page !== undefined) {
    await writeFile(`${base}.html`, page);
    files.push(`${base}.html`);
  }
  return files;
}
