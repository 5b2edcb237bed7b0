/** A report as one HTML file that needs nothing else: the plot, the faults, the verdict. */
import { plot } from "./plot.ts";
import type { DrillReport, FaultReport } from "./report.ts";
import { historyLines } from "./summary.ts";

export function pageOf(report: DrillReport): string {
  const passed = report.broken.length === 0;
  const title = `Drill of ${report.system}: ${passed ? "every promise held" : "a promise broke"}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escaped(title)}</h1>
<p class="facts">${escaped(factsOf(report))}</p>
${report.broken.map((line) => `<p class="broken">${escaped(line)}</p>`).join("\n")}
${tiles(report)}
<h2>Throughput</h2>
${plot(report)}
<h2>Time without an acknowledged write</h2>
${downtimeTable(report)}
<h2>Faults</h2>
${faultTable(report)}
${report.skipped.map(({ fault, reason }) => `<p>${escaped(fault)} was skipped: ${escaped(reason)}</p>`).join("\n")}
${badHistory(report)}
</main>
</body>
</html>
`;
}

const STYLE = `
:root { --ink: #1d2430; --soft: #5b6675; --paper: #ffffff; --card: #f4f6f8; --line: #d9dee4; --write: #2563c9; --read: #7aa7e8; --fail: #c93a3a; --fault: #b26a00; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e7ebf0; --soft: #9aa6b4; --paper: #12161c; --card: #1b2129; --line: #323b46; --write: #6ea8ff; --read: #35598f; --fail: #ff7a7a; --fault: #f0b04a; }
}
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
.facts { color: var(--soft); margin: .25rem 0 1.25rem; }
.broken { border-left: 4px solid var(--fail); padding: .25rem .75rem; font-weight: 600; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .75rem; }
.tiles div { background: var(--card); border-radius: .5rem; padding: .75rem 1rem; }
.tiles dt { color: var(--soft); font-size: .85rem; } .tiles dd { margin: 0; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--soft); font-weight: 500; } pre { background: var(--card); padding: 1rem; overflow-x: auto; border-radius: .5rem; }
svg { width: 100%; min-width: 44rem; height: auto; display: block; background: var(--card); border-radius: .5rem; } svg text { fill: var(--soft); font-size: 11px; }
.legend span { margin-right: 1rem; } .legend i { display: inline-block; width: .8em; height: .8em; margin-right: .35em; border-radius: 2px; }
`;

function factsOf({ cluster, startedAt, durationMs, clients, seed, mix }: DrillReport): string {
  const shares = Object.entries(mix).map(([name, share]) => `${name} ${share}`);
  return `${cluster}, ${startedAt}, ${(durationMs / 1000).toFixed(1)} s, ${clients} clients, seed ${seed}, mix ${shares.join(", ")}`;
}

function tiles({ operations, lost, isLinearizable, downtime }: DrillReport): string {
  const facts: readonly (readonly [string, string])[] = [
    ["Acknowledged writes", String(operations.writes)],
    ["Lost", String(lost.length)],
    ["Linearizable", isLinearizable ? "yes" : "NO"],
    ["Longest without a write", downtime.length === 0 ? "-" : ms(Math.max(...downtime.map(({ maxMs }) => maxMs)))],
  ];
  const cells = facts.map(([name, value]) => `<div><dt>${escaped(name)}</dt><dd>${escaped(value)}</dd></div>`);
  return `<dl class="tiles">${cells.join("")}</dl>`;
}

function downtimeTable({ downtime }: DrillReport): string {
  const head = ["Fault", "Times", "Half took no longer than", "99 of 100", "Longest"];
  return table(
    head,
    downtime.map(({ fault, count, p50Ms, p99Ms, maxMs }) => [fault, String(count), ...[p50Ms, p99Ms, maxMs].map(ms)]),
  );
}

function faultTable({ faults }: DrillReport): string {
  const head = ["At", "Fault", "What was done", "Detected", "Elected", "First write", "Downtime", "Recovered"];
  const cells = (fault: FaultReport): string[] => [
    `${(fault.atMs / 1000).toFixed(1)} s`,
    fault.fault,
    fault.how,
    ...[fault.detectedMs, fault.electedMs, fault.firstWriteMs, fault.downtimeMs, fault.recoveredMs].map(ms),
  ];
  return table(head, faults.map(cells));
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (texts: readonly string[], tag: string): string =>
    `<tr>${texts.map((text) => `<${tag}>${escaped(text)}</${tag}>`).join("")}</tr>`;
  return `<div class="scroll"><table>${row(head, "th")}${rows.map((cells) => row(cells, "td")).join("")}</table></div>`;
}

const badHistory = (report: DrillReport): string =>
  report.badHistory.length === 0
    ? ""
    : `<h2>The shortest history that nothing explains</h2><pre>${escaped(historyLines(report).join("\n").trim())}</pre>`;

const ms = (value: number | undefined): string => (value === undefined ? "-" : `${Math.round(value)} ms`);

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

export const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => ENTITIES[character] as string);
