import { closeSync } from "node:fs";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openHome } from "../src/home-folder.ts";

let base = "";
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "coracle-home-"));
});
afterAll(() => rm(base, { recursive: true }));

const homeIn = (dir: string) => ({ dir, daemonLog: join(dir, "cluster.log") });

describe("the folder of Coracle's files", () => {
  it("is made for its user alone, ancestors too", async () => {
    const dir = join(base, "a", "b");
    closeSync(openHome(homeIn(dir)));
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
  });

  it("below a file is refused in a sentence", async () => {
    await writeFile(join(base, "file"), "");
    expect(() => openHome(homeIn(join(base, "file", "x")))).toThrow(
      /^Coracle can't keep its files in .*file\/x \(.*\)\. Nothing was started\. Set CORACLE_HOME to a folder that you may write to\.$/,
    );
  });

  it.skipIf(process.platform !== "linux")("where no folder can be made is refused too, not tried for ever", () => {
    expect(() => openHome(homeIn("/proc/no/such"))).toThrow("Set CORACLE_HOME");
  });
});
