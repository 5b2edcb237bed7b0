/** A guide's commands as rows of a table, each run word for word in a shell. */
import { expect, it } from "vitest";
import type { Installation } from "./installation.ts";

export interface Row {
  readonly line: string;
  /** What the output must show; every pattern. */
  readonly shows: readonly RegExp[];
  /** Expected exit code; null for commands that go on until they are ended; "any" where the guide's is left to the program. Default 0. */
  readonly code?: number | null | "any";
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Default 60,000. */
  readonly timeoutMs?: number;
}

export interface Guide {
  check(row: Row): Promise<void>;
  /** A test for each row, in their order. */
  rows(title: string, list: readonly Row[]): void;
}

/** `coracle` is asked for when a row runs: suites install it before their first test. */
export function guide(coracle: () => Installation, cwd: () => string): Guide {
  async function check({ line, shows, code = 0, timeoutMs = 60_000, ...how }: Row): Promise<void> {
    const showsAll = (output: string): boolean => shows.every((pattern) => pattern.test(output));
    const ends = code === null && { endsAt: showsAll };
    const outcome = await coracle().sh(line, { cwd: cwd(), timeoutMs, ...how, ...ends });
    for (const pattern of shows) expect(outcome.output, line).toMatch(pattern);
    if (code !== "any") expect(outcome.code, `${line}\n${outcome.output}`).toBe(code);
  }
  return {
    check,
    rows(title, list) {
      for (const row of list)
        it(`${title}: ${row.line.replaceAll("\n", " ")}`, () => check(row), (row.timeoutMs ?? 60_000) + 30_000);
    },
  };
}

/** `KUBE_EDITOR` that replaces text, as a user's hands would. */
export const editor = (from: string, to: string): Record<string, string> => ({
  KUBE_EDITOR: `sed -i -e 's/${from}/${to}/'`,
});
