/**
 * Rows of `kubectl` commands with what a real Kubernetes prints for them. Expectations come from Kubernetes' documentation and source, never from
 * what this cluster printed. A row's text is compared with stdout followed by stderr; runs of spaces count as two and line ends as trimmed, since
 * widths of columns depend on values that differ. Parts that differ from run to run are written as `{age}` and the like.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { program } from "../../../../scripts/testing/programs.ts";
import { startCluster } from "../../src/cluster.ts";

/** The command after `kubectl`, what it prints (undefined: anything), and its exit code (0 if not said). */
export type Row = readonly [command: string, prints?: string, code?: number];

/** Files by name: a row names them as `-f NAME`. */
export type Files = Readonly<Record<string, string>>;

const placeholders: Readonly<Record<string, string>> = {
  age: "(?:\\d+[smhd])+",
  hash: "[a-z0-9]+",
  id: "[a-z0-9]{5}",
  ip: "\\d+\\.\\d+\\.\\d+\\.\\d+",
  port: "\\d+",
  time: "\\S+",
  uid: "[0-9a-f-]{36}",
  /** An image that can't be had is asked for again and again. */
  pull: "(?:ErrImagePull|ImagePullBackOff)",
  any: "[^\\n]*",
  lines: "[\\s\\S]*",
};

const literally = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

const normal = (text: string): string =>
  text
    .split("\n")
    .map((line) => line.replace(/ {2,}/g, "  ").trim())
    .join("\n")
    .trim();

/** The expression that a row's text stands for. */
export function patternOf(prints: string): RegExp {
  const parts = normal(prints).split(/(\{\w+\})/);
  const source = parts.map((part) => placeholders[part.slice(1, -1)] ?? literally(part)).join("");
  return new RegExp(`^${source}$`);
}

/** Words, where quotes of either kind keep spaces. */
const words = (line: string): string[] =>
  [...line.matchAll(/((?:[^\s'"]|'[^']*'|"[^"]*")+)/g)].map(([word]) => word.replace(/'([^']*)'|"([^"]*)"/g, "$1$2"));

/** Runs the rows one after the other against one cluster. */
export function kubectlRows(title: string, files: Files, rows: readonly Row[]): void {
  const kubectl = program("kubectl");
  describe.skipIf(kubectl === undefined)(title, () => {
    let stop = async (): Promise<void> => undefined;
    let home = "";

    beforeAll(async () => {
      const cluster = await startCluster({ nodes: 2 });
      home = await mkdtemp(join(tmpdir(), "coracle-kubectl-"));
      await writeFile(join(home, "config"), cluster.kubeconfig);
      for (const [name, text] of Object.entries(files)) await writeFile(join(home, name), text);
      stop = async () => {
        await cluster.stop();
        await rm(home, { recursive: true });
      };
    }, 60_000);

    afterAll(() => stop(), 60_000);

    const run = (line: string): Promise<{ code: number; text: string }> =>
      new Promise((resolve) => {
        const env = { PATH: process.env.PATH ?? "", HOME: home, KUBECONFIG: join(home, "config") };
        const { EDITOR, rest } = /^(?:EDITOR='(?<EDITOR>[^']*)' )?(?<rest>.*)$/s.exec(line)?.groups ?? {};
        const options = { env: { ...env, ...(EDITOR && { EDITOR }) }, cwd: home, timeout: 60_000 };
        execFile(kubectl as string, words(rest ?? ""), options, (error, out, err) =>
          resolve({ code: error === null ? 0 : Number(error.code ?? 1), text: `${out}${err}` }),
        );
      });

    it.each(rows.map((row): [string, Row] => [row[0], row]))(
      "%s",
      async (_, [command, prints, code = 0]) => {
        const result = await run(command);
        if (prints !== undefined) expect(normal(result.text)).toMatch(patternOf(prints));
        expect(result.code, result.text).toBe(code);
      },
      90_000,
    );
  });
}
