import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readClusterConfig } from "../src/cluster-config.ts";

let path: string;
beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), "coracle-config-")), "config.yaml");
});
afterEach(() => rm(join(path, ".."), { recursive: true }));

it("is what the file says; nothing where there is none, or an empty one", async () => {
  expect(await readClusterConfig(path)).toEqual({});
  await writeFile(path, "# nodes: 3\n");
  expect(await readClusterConfig(path)).toEqual({});
  await writeFile(path, "nodes: 3\n");
  expect(await readClusterConfig(path)).toEqual({ nodes: 3 });
});

it.each([
  ["nodez: 3", /config\.yaml has unknown settings: nodez\. Known: nodes/],
  ["- nodes", /config\.yaml must hold settings/],
  ["nodes: [", /config\.yaml is not YAML: .*line 1/s],
])("is refused when it is %j", async (text, why) => {
  await writeFile(path, text);
  await expect(readClusterConfig(path)).rejects.toMatchObject({
    name: "CliError",
    message: expect.stringMatching(why),
  });
});

it("is not passed over when it can't be read", async () => {
  await mkdir(path);
  await expect(readClusterConfig(path)).rejects.toMatchObject({
    name: "CliError",
    message: expect.stringMatching(/can.t be read/),
  });
});
