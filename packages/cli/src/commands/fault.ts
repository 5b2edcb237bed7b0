import { faultKinds, findFaultRow } from "@coracle/cluster/faults";
import type { KubeClient } from "@coracle/kube";
import { connectEmbedded } from "../connect.ts";
import { CliError } from "../errors.ts";
import { parametersOf, readSettings } from "../fault-settings.ts";
import { type FaultReport, faults, inject, removeFault, reportOf } from "../faults.ts";
import { table } from "../table.ts";
import type { CommandContext, OptionValues } from "./types.ts";

export async function add(
  { home, output }: CommandContext,
  [kind = "", ...settings]: readonly string[],
  options: OptionValues,
): Promise<void> {
  const spec = { kind, ...readSettings(kind, settings), ...durationOf(options.for) };
  const kube = await connectEmbedded(home);
  try {
    const id = (options.name as string | undefined) ?? (await nextId(kube, kind));
    const report = await inject(kube, id, spec);
    output.result(report, () => addedText(report));
  } finally {
    kube.close();
  }
}

function durationOf(seconds: string | boolean | undefined): { readonly durationMs?: number } {
  if (seconds === undefined) return {};
  const durationMs = Math.round(Number(seconds) * 1000);
  if (!(durationMs > 0)) throw new CliError(`--for takes a number of seconds, not ${seconds}.`, { exitCode: 2 });
  return { durationMs };
}

async function nextId(kube: KubeClient, kind: string): Promise<string> {
  const taken = new Set((await kube.list(faults)).items.map(({ metadata }) => metadata?.name));
  let number = 1;
  while (taken.has(`${kind}-${number}`)) number++;
  return `${kind}-${number}`;
}

function addedText({ id, spec, status }: FaultReport): string {
  const hit = status?.affected?.length ? `: ${status.affected.join(", ")}` : "";
  if (status?.phase === "Over") return `${spec.kind} is done${hit}.`;
  const end = spec.durationMs === undefined ? "" : ` for ${spec.durationMs / 1000} s`;
  return `${id} is in force${end}${hit}.\nEnd it: coracle fault clear ${id}`;
}

export async function list({ home, output }: CommandContext): Promise<void> {
  const kube = await connectEmbedded(home);
  try {
    const reports = (await kube.list(faults)).items.map(reportOf);
    output.result(reports, () => listText(reports));
  } finally {
    kube.close();
  }
}

const listText = (reports: readonly FaultReport[]): string =>
  reports.length === 0
    ? "Nothing is wrong on purpose. The kinds of faults: coracle fault kinds"
    : table([
        ["NAME", "KIND", "PHASE", "AFFECTED", "SETTINGS"],
        ...reports.map(({ id, spec, status }) => [
          id,
          spec.kind,
          status?.phase ?? "",
          status?.affected?.join(",") || "-",
          settingsText(spec),
        ]),
      ]);

const settingsText = ({ kind: _, ...settings }: FaultReport["spec"]): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");

export async function clear({ home, output }: CommandContext, [id]: readonly string[]): Promise<void> {
  const kube = await connectEmbedded(home);
  try {
    const ids = id === undefined ? (await kube.list(faults)).items.map((fault) => reportOf(fault).id) : [id];
    const removed = await Promise.all(ids.map((each) => removeFault(kube, each)));
    const cleared = ids.filter((_, index) => removed[index]);
    if (id !== undefined && cleared.length === 0)
      throw new CliError(`There is no fault ${id}. See: coracle fault list`);
    output.result({ cleared }, () => (cleared.length > 0 ? `Cleared: ${cleared.join(", ")}.` : "There was no fault."));
  } finally {
    kube.close();
  }
}

export async function kinds({ output }: CommandContext, [kind]: readonly string[]): Promise<void> {
  const wanted = kind === undefined ? faultKinds : [kind];
  const rows = wanted.map((name) => ({ kind: name, parameters: parametersOf(name), row: findFaultRow(name) }));
  const described = rows.map(({ kind: name, row, parameters }) => ({
    kind: name,
    summary: row?.summary,
    means: row?.means,
    undone: row?.undone,
    parameters: Object.entries(parameters).map(([parameter, { help, takes, isRequired }]) => ({
      name: parameter,
      help,
      takes,
      isRequired,
    })),
  }));
  output.result(described, () =>
    kind === undefined
      ? table([["KIND", "WHAT IT DOES"], ...described.map((each) => [each.kind, each.summary ?? ""])])
      : described.map(kindText).join("\n"),
  );
}

interface KindDescription {
  readonly kind: string;
  readonly summary: string | undefined;
  readonly means: string | undefined;
  readonly undone: string | undefined;
  readonly parameters: readonly { name: string; help: string; takes: string; isRequired: boolean }[];
}

const kindText = ({ kind, summary, means, undone, parameters }: KindDescription): string =>
  [
    `${kind}: ${summary}`,
    `  how     ${means}`,
    `  undone  ${undone}`,
    "",
    table([
      ["SETTING", "TAKES", "MEANING"],
      ...parameters.map(({ name, takes, help, isRequired }) => [
        name,
        takes,
        isRequired ? `${help} (must be given)` : help,
      ]),
    ]),
  ].join("\n");
