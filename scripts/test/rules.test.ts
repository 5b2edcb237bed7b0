import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { importsOf, root, type SourceFile, sources } from "../testing/sources.ts";

/** Which of our packages each may import. What is not listed is forbidden; `sim` is for tests and drills. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  "packages/wal": [],
  "packages/wire": [],
  "packages/kube": [],
  "packages/sim": [],
  "packages/pod": ["kube"],
  "packages/lease-log": ["wal", "wire"],
  "packages/raft": ["wal", "wire"],
  "packages/bft": ["wal", "wire"],
  "packages/evm": ["wal", "wire"],
  "packages/cluster": ["wal"],
  "packages/drill": ["kube", "sim"],
  "packages/cli": ["cluster", "drill", "kube"],
};
/** Of `drill`, systems take what their drill module is made of; nothing that a pod runs imports it. */
const allowedToSystems = ["drill", "pod", "kube", "lease-log", "raft", "bft", "evm", "wal", "wire"];

/** Where decisions are made: these get time, randomness and messages handed in, so that one seeded simulator can break them all. */
const pureParts = [
  "packages/lease-log/src/core/",
  "packages/pod/src/election/decide.ts",
  "packages/raft/src/core/",
  "packages/cluster/src/kubelet/pod/decide.ts",
];
const impure =
  /\bDate\.now\b|\bnew Date\(\)|\bperformance\b|\bMath\.random\b|\bset(Timeout|Interval|Immediate)\b|from "node:/;

/** Files over the limit today. The list may only shrink. */
const tooLong: readonly string[] = [];
const longestFile = 400;

const offenders = (isOffender: (file: SourceFile) => boolean): string[] =>
  sources.filter(isOffender).map(({ path }) => path);

describe("imports", () => {
  it("follow the directions of the house", () => {
    const wrong = sources.flatMap((file) =>
      importsOf(file)
        .filter((name) => name.startsWith("@coracle/"))
        .filter((name) => !(allowed[file.home] ?? allowedToSystems).includes(name.split("/")[1] ?? ""))
        .map((name) => `${file.path} imports ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  it("never reach into another package by path", () => {
    const wrong = sources.flatMap((file) => {
      const depth = file.path.split("/").length - 3;
      return importsOf(file).filter(
        (name) => (name.match(/\.\.\//g) ?? []).length >= depth && depth > 0 && name.startsWith("../".repeat(depth)),
      );
    });
    expect(wrong).toEqual([]);
  });

  it("are declared by the package that uses them", () => {
    const wrong = sources.flatMap((file) => {
      const { dependencies = {} } = JSON.parse(readFileSync(join(root, file.home, "package.json"), "utf8"));
      return importsOf(file)
        .filter((name) => !/^(\.|node:|kubernetes-types\/)/.test(name))
        .map((name) =>
          name
            .split("/")
            .slice(0, name.startsWith("@") ? 2 : 1)
            .join("/"),
        )
        .filter((name) => !(name in dependencies))
        .map((name) => `${file.path} uses ${name}`);
    });
    expect(wrong).toEqual([]);
  });

  it("keep clocks, sockets, disks, timers and randomness out of the decisions", () => {
    const pure = sources.filter(({ path }) => pureParts.some((part) => path.startsWith(part)));
    expect(pure.filter(({ text }) => impure.test(text)).map(({ path }) => path)).toEqual([]);
  });
});

describe("sources", () => {
  it("stay below the longest length that a reader can hold", () => {
    expect(offenders(({ path, text }) => text.split("\n").length > longestFile && !tooLong.includes(path))).toEqual([]);
  });

  it("throw typed errors only", () => {
    expect(offenders(({ text }) => /\bnew Error\(/.test(text))).toEqual([]);
  });

  it("leave nothing open", () => {
    expect(offenders(({ text }) => /\b(TODO|FIXME|XXX|HACK)\b|not implemented/i.test(text))).toEqual([]);
  });

  it("have a documented front page in every package", () => {
    const pages = sources.filter(({ path }) => /^packages\/[^/]+\/src\/index\.ts$/.test(path));
    expect(pages.filter(({ text }) => !text.startsWith("/**")).map(({ path }) => path)).toEqual([]);
    expect(pages.filter(({ text }) => /export \* from/.test(text)).map(({ path }) => path)).toEqual([]);
  });
});

describe("the checkout", () => {
  it("builds every package that it has", () => {
    const { references } = JSON.parse(readFileSync(join(root, "tsconfig.json"), "utf8"));
    const built = references.map(({ path }: { path: string }) => path).sort();
    const present = ["packages", "systems"].flatMap((kind) =>
      readdirSync(join(root, kind))
        .map((name) => `${kind}/${name}`)
        .filter((path) => existsSync(join(root, path, "package.json"))),
    );
    expect(built).toEqual(present.sort());
  });
});
