import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");

test("the example of the front page is the one that is compiled", () => {
  const [, block = ""] = /```ts\n([\s\S]*?) \* ```/.exec(read("../src/index.ts")) ?? [];
  const shown = block.replace(/^ \* ?/gm, "").trim();
  const [, compiled = ""] = /\n\n([\s\S]+)$/.exec(read("./example.ts")) ?? [];
  expect(shown).toBe(compiled.trim());
});
