/** Throughput over time as inline SVG: writes and reads stacked, failures as ticks below, faults as lines from injection to first write. */
import type { Slice } from "./recorder.ts";
import { SLICE_MS } from "./recorder.ts";
import type { DrillReport } from "./report.ts";

const SIZE = { width: 1000, height: 320, left: 52, right: 24, top: 26, bottom: 44 } as const;
const MAX_POINTS = 600;
const GRID_LINES = 4;
/** About what a letter of a name takes, and the room between two names. */
const LETTER_WIDTH = 6.2;
const LABEL_GAP = 8;
/** Plots shorter than this tell tenths of seconds. */
const SHORT_MS = 60_000;

interface Scale {
  x(ms: number): string;
  y(perSecond: number): string;
}

export function plot({ slices, faults }: Pick<DrillReport, "slices" | "faults">): string {
  const { points, widthMs } = thinned(slices);
  const perSecond = 1000 / widthMs;
  const top = roundUp(Math.max(1, ...points.map(({ reads, writes }) => (reads + writes) * perSecond)));
  const endMs = Math.max(widthMs, points.length * widthMs);
  const scale = scaleOf(endMs, top);
  const area = (value: (slice: Slice) => number, colour: string): string => {
    const line = points.map((slice) => `${scale.x(slice.atMs + widthMs / 2)},${scale.y(value(slice) * perSecond)}`);
    return `<polygon fill="var(${colour})" points="${scale.x(0)},${scale.y(0)} ${line.join(" ")} ${scale.x(endMs)},${scale.y(0)}"/>`;
  };
  const named = withRoom(scale, faults);
  return `<div class="scroll"><svg viewBox="0 0 ${SIZE.width} ${SIZE.height}" role="img" aria-label="operations per second over time">
${grid(scale, endMs, top)}
${area(({ reads, writes }) => reads + writes, "--read")}
${area(({ writes }) => writes, "--write")}
${points
  .filter(({ failures }) => failures > 0)
  .map(({ atMs }) => failureTick(scale, atMs, widthMs))
  .join("")}
${faults.map((fault) => mark(scale, fault, named.has(fault))).join("\n")}
</svg></div>
<p class="legend"><span><i style="background:var(--write)"></i>writes per second</span><span><i style="background:var(--read)"></i>reads per second</span><span><i style="background:var(--fail)"></i>failed operations</span><span><i style="background:var(--fault)"></i>fault, to the first write after it</span></p>`;
}

/** To a number whose quarters are round. */
function roundUp(value: number): number {
  const unit = 10 ** Math.floor(Math.log10(value));
  return ([1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8].find((digit) => digit * unit >= value) ?? 10) * unit;
}

function scaleOf(endMs: number, top: number): Scale {
  const width = SIZE.width - SIZE.left - SIZE.right;
  const height = SIZE.height - SIZE.top - SIZE.bottom;
  return {
    x: (ms) => (SIZE.left + (ms / endMs) * width).toFixed(1),
    y: (value) => (SIZE.top + (1 - value / top) * height).toFixed(1),
  };
}

/** Joins neighbours until a screen can show them. */
function thinned(slices: readonly Slice[]): { points: Slice[]; widthMs: number } {
  const step = Math.max(1, Math.ceil(slices.length / MAX_POINTS));
  const points: Slice[] = [];
  for (let at = 0; at < slices.length; at += step) {
    const part = slices.slice(at, at + step);
    const sum = (field: "reads" | "writes" | "failures"): number =>
      part.reduce((total, slice) => total + slice[field], 0);
    points.push({ atMs: at * SLICE_MS, reads: sum("reads"), writes: sum("writes"), failures: sum("failures") });
  }
  return { points, widthMs: step * SLICE_MS };
}

function grid(scale: Scale, endMs: number, top: number): string {
  const bottom = SIZE.height - SIZE.bottom;
  const rows = Array.from({ length: GRID_LINES + 1 }, (_, n) => {
    const value = (top * n) / GRID_LINES;
    const y = scale.y(value);
    return `<line x1="${SIZE.left}" x2="${SIZE.width - SIZE.right}" y1="${y}" y2="${y}" stroke="var(--line)"/><text x="${SIZE.left - 6}" y="${y}" dy="4" text-anchor="end">${Math.round(value)}</text>`;
  });
  const columns = Array.from({ length: GRID_LINES + 1 }, (_, n) => {
    const at = (endMs * n) / GRID_LINES;
    return `<text x="${scale.x(at)}" y="${bottom + 30}" text-anchor="middle">${(at / 1000).toFixed(endMs < SHORT_MS ? 1 : 0)} s</text>`;
  });
  return [...rows, ...columns].join("");
}

function failureTick(scale: Scale, atMs: number, widthMs: number): string {
  const y = SIZE.height - SIZE.bottom + 6;
  const width = Math.max(1.5, Number(scale.x(widthMs)) - Number(scale.x(0)));
  return `<rect x="${scale.x(atMs)}" y="${y}" width="${width.toFixed(1)}" height="6" fill="var(--fail)"/>`;
}

type Fault = DrillReport["faults"][number];

/** The faults whose names have room: those that would lie over the one before are left out, and show when pointed at. */
function withRoom(scale: Scale, faults: readonly Fault[]): ReadonlySet<Fault> {
  const named = new Set<Fault>();
  let takenTo = 0;
  for (const fault of faults) {
    const half = (fault.fault.length * LETTER_WIDTH) / 2;
    const middle = Number(scale.x(fault.atMs));
    if (middle - half < takenTo) continue;
    named.add(fault);
    takenTo = middle + half + LABEL_GAP;
  }
  return named;
}

function mark(scale: Scale, { atMs, fault, firstWriteMs = 0 }: Fault, isNamed: boolean): string {
  const [x, end] = [scale.x(atMs), scale.x(atMs + firstWriteMs)];
  const height = SIZE.height - SIZE.bottom - SIZE.top;
  const name = isNamed ? `<text x="${x}" y="${SIZE.top - 8}" text-anchor="middle">${fault}</text>` : "";
  const band = `<rect x="${x}" y="${SIZE.top}" width="${(Number(end) - Number(x)).toFixed(1)}" height="${height}" fill="var(--fault)" opacity=".25"/>`;
  const told = `<title>${fault} at ${(atMs / 1000).toFixed(1)} s: ${Math.round(firstWriteMs)} ms to the first write</title>`;
  return `<g>${told}${band}<line x1="${x}" x2="${x}" y1="${SIZE.top}" y2="${SIZE.height - SIZE.bottom}" stroke="var(--fault)"/>${name}</g>`;
}
