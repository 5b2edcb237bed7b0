import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readManifests } from "../src/manifests.ts";
import { inApplyOrder } from "../src/order.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "manifests-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const object = (kind: string, name: string): string => `apiVersion: v1\nkind: ${kind}\nmetadata: {name: ${name}}\n`;
const names = async (path: string): Promise<string[]> =>
  (await readManifests(path)).map(({ metadata }) => metadata.name);

describe("readManifests", () => {
  it("reads every document of every manifest file of a folder, by name", async () => {
    await writeFile(join(dir, "b.yml"), object("Pod", "third"));
    await writeFile(join(dir, "a.yaml"), `${object("Pod", "first")}---\n# nothing\n---\n${object("Pod", "second")}`);
    await writeFile(
      join(dir, "c.json"),
      '{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"fourth"}}]}',
    );
    await writeFile(join(dir, "README.md"), "not a manifest");
    expect(await names(dir)).toEqual(["first", "second", "third", "fourth"]);
    expect(await names(join(dir, "b.yml"))).toEqual(["third"]);
  });

  it("follows the resources of a kustomization and refuses what it does not understand", async () => {
    await mkdir(join(dir, "base"));
    await writeFile(join(dir, "base", "x.yaml"), object("Pod", "based"));
    await writeFile(join(dir, "ignored.yaml"), object("Pod", "ignored"));
    await writeFile(join(dir, "kustomization.yaml"), "resources: [base]\n");
    expect(await names(dir)).toEqual(["based"]);
    await writeFile(join(dir, "kustomization.yaml"), "resources: [base]\nnamePrefix: x-\n");
    await expect(readManifests(dir)).rejects.toThrow(/namePrefix.*kubectl apply -k/);
  });

  it.each([
    ["a missing path", undefined, /does not exist/],
    ["no objects", "# empty\n", /holds no Kubernetes objects/],
    ["broken YAML", "a: [1\n", /broken\.yaml: [\s\S]*line \d+[\s\S]*Nothing was applied/],
    ["something else", "hello: world\n", /without apiVersion, kind, metadata\.name/],
  ])("says what is wrong with %s", async (_, text, message) => {
    const path = join(dir, "broken.yaml");
    if (text !== undefined) await writeFile(path, text);
    await expect(readManifests(path)).rejects.toThrow(message);
  });
});

describe("inApplyOrder", () => {
  it("puts what others refer to first and keeps the order within a kind", () => {
    const objects = ["CronJob", "Widget", "StatefulSet", "Service", "ConfigMap", "Namespace", "Service"].map(
      (kind, n) => ({ kind, n }),
    );
    expect(inApplyOrder(objects).map(({ kind, n }) => `${kind}${n}`)).toEqual([
      "Namespace5",
      "ConfigMap4",
      "Service3",
      "Service6",
      "StatefulSet2",
      "CronJob0",
      "Widget1",
    ]);
  });
});
