/** Prints a benchmark's tables and keeps those of the last run in bench/results. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../results/", import.meta.url));

export type Row = readonly (string | number)[];

export function table(head: readonly string[], rows: readonly Row[]): string {
  const lines = [head, head.map((_, column) => (column === 0 ? "---" : "---:")), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

const machine = (): string =>
  `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}`;

const commit = (): string =>
  execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: folder, encoding: "utf8" }).trim();

/** `loadBefore`: what else the machine did when the run began, without which rates mean little. */
export function publish(name: string, command: string, loadBefore: number, sections: readonly string[]): void {
  mkdirSync(folder, { recursive: true });
  const head = [
    `# ${name}: the last run`,
    `- Command: \`${command}\`\n- Date: ${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC, commit ${commit()}`,
    `- Machine: ${machine()}; load average ${loadBefore.toFixed(1)} before the run, ${loadavg()[0]?.toFixed(1)} after`,
  ];
  const text = `${[head.join("\n\n").replace("\n\n- Machine", "\n- Machine"), ...sections].join("\n\n")}\n`;
  process.stdout.write(text);
  writeFileSync(`${folder}${name}.md`, text);
}
