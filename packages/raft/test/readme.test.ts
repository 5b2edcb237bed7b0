/** The front page's example is the one that is compiled and run here. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { example } from "./example.ts";

const read = (path: string): Promise<string> => readFile(new URL(path, import.meta.url), "utf8");

it("shows what is compiled", async () => {
  const [, shown] = /```ts\n([\s\S]*?)```/.exec(await read("../README.md")) ?? [];
  const [, compiled] = /\n\n([\s\S]+)$/.exec(await read("./example.ts")) ?? [];
  expect(shown).toBe(compiled?.replace("../src/index.ts", "@coracle/raft"));
});

it("works", async () => {
  const dir = await mkdtemp(join(tmpdir(), "raft-example-"));
  try {
    expect(await example(dir)).toBe(1);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
