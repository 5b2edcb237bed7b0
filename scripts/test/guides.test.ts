/** What the documents show and point to is there. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, it } from "vitest";
import { root } from "../testing/sources.ts";

const skipped = new Set(["node_modules", "dist", ".git"]);

function documents(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : documents(path);
    return entry.name.endsWith(".md") ? [path] : [];
  });
}

const pages = documents(root).map((path) => ({ path, text: readFileSync(path, "utf8") }));

/** As GitHub names a heading: lower case, words joined by `-`, other marks dropped. */
const anchors = (text: string): string[] =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_\- ]/gu, "")
      .replaceAll(" ", "-"),
  );

it("links of the documents lead somewhere", () => {
  const dead = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\(([^)#\s]*)(?:#([^)\s]*))?\)/g)]
      .filter(([, target = ""]) => !/^[a-z]+:/.test(target))
      .filter(([, target = "", anchor]) => {
        const file = target === "" ? path : join(dirname(path), target);
        return !existsSync(file) || (anchor !== undefined && !anchors(readFileSync(file, "utf8")).includes(anchor));
      })
      .map(([link]) => `${relative(root, path)}: ${link}`),
  );
  expect(dead).toEqual([]);
});

it("code that a guide shows out of a file is that file", () => {
  const shown = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/<!-- from (\S+) -->\n```\w+\n([\s\S]*?)```/g)].map(([, file = "", code]) => ({
      path,
      file,
      code,
    })),
  );
  expect(shown.length).toBeGreaterThan(0);
  for (const { path, file, code } of shown)
    expect(code, `${relative(root, path)} shows ${file}`).toBe(readFileSync(join(root, file), "utf8"));
});
