/** A report as lines for the terminal. */
import type { DrillReport, FaultReport } from "./report.ts";

const ms = (value: number | undefined): string => (value === undefined ? "-" : `${Math.round(value)} ms`);

export function summaryOf(report: DrillReport): string {
  const { operations, lost, isLinearizable, faults, skipped, downtime } = report;
  const acknowledged = `${operations.writes} writes and ${operations.reads} reads acknowledged`;
  return [
    columns([["FAULT", "TARGET", "DETECTED", "ELECTED", "FIRST WRITE", "DOWNTIME", "RECOVERED"], ...faults.map(row)]),
    ...skipped.map(({ fault, reason }) => `  ${fault} skipped: ${reason}`),
    "",
    `Operations     ${acknowledged}, ${operations.refused} refused, ${operations.unknown} without an answer`,
    `Lost           ${lost.length}`,
    `Linearizable   ${isLinearizable ? "yes" : "NO"}`,
    ...downtime.map(
      ({ fault, count, p50Ms, p99Ms, maxMs }) =>
        `Downtime       ${fault} x${count}: p50 ${ms(p50Ms)}, p99 ${ms(p99Ms)}, longest ${ms(maxMs)}`,
    ),
    ...historyLines(report),
    "",
    report.broken.length === 0 ? "Every promise held." : `BROKEN: ${report.broken.join(" ")}`,
  ].join("\n");
}

const row = (fault: FaultReport): string[] => [
  fault.fault,
  fault.target,
  ...[fault.detectedMs, fault.electedMs, fault.firstWriteMs, fault.downtimeMs, fault.recoveredMs].map(ms),
];

/** The bad history, one operation a line, in the order of their calls. */
export function historyLines({ badHistory }: Pick<DrillReport, "badHistory">): string[] {
  if (badHistory.length === 0) return [];
  const lines = badHistory
    .toSorted((a, b) => a.calledAt - b.calledAt)
    .map(({ client, input, output, calledAt, returnedAt }) => {
      const span = `${calledAt.toFixed(1)}..${Number.isFinite(returnedAt) ? returnedAt.toFixed(1) : "never"}`;
      return `  ${span.padEnd(24)} ${client.padEnd(7)} ${JSON.stringify(input)} -> ${JSON.stringify(output) ?? "-"}`;
    });
  return ["", `No order explains this history of ${badHistory[0]?.key}:`, ...lines];
}

function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((cells) => (cells[at] ?? "").length)));
  return rows
    .map((cells) =>
      cells
        .map((cell, at) => cell.padEnd((widths[at] ?? 0) + 2))
        .join("")
        .trimEnd(),
    )
    .join("\n");
}
