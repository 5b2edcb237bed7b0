/** Disks that are full, slow or broken, as programs in pods see them; at both isolation levels, since paths differ. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Cluster } from "../../src/index.ts";
import { isolationLevels } from "../kubelet/cluster-fixture.ts";
import { type Agent, eventually, openCluster, startAgent } from "./agent.ts";

describe.each(isolationLevels)("with isolation %s", (isolation) => {
  let cluster: Cluster;
  let first: Agent;
  let second: Agent;

  beforeAll(async () => {
    cluster = await openCluster({ isolation });
    [first, second] = await Promise.all([startAgent(cluster, "first"), startAgent(cluster, "second")]);
  });

  afterAll(() => cluster?.stop());

  const write = (
    form: string,
    folder: string,
  ) => `const fs = require("fs"); const file = process.env.${folder} + "/file";
  ${form}`;
  const writes: Record<string, string> = {
    sync: `fs.writeFileSync(file, "x")`,
    "by descriptor": `const fd = fs.openSync(file, "a"); try { fs.writeSync(fd, "x") } finally { fs.closeSync(fd) }`,
    callback: `await require("util").promisify(fs.appendFile)(file, "x")`,
    promise: `await fs.promises.writeFile(file, "x")`,
    handle: `const handle = await fs.promises.open(file, "a"); try { await handle.write("x") } finally { await handle.close() }`,
    stream: `await require("stream/promises").pipeline(["x"], fs.createWriteStream(file))`,
  };

  test("volume-full lets every way to write to the volume fail, and only to that volume", async () => {
    for (const form of Object.values(writes)) expect(await first.codeOf(write(form, "DATA"))).toBeUndefined();
    await first.run(`require("fs").writeFileSync(process.env.DATA + "/old", "kept")`);
    const { id } = await cluster.faults.add({ kind: "volume-full", pods: ["first"], volume: "data" });
    await eventually(
      () => first.codeOf(write(writes.sync as string, "DATA")),
      (code) => code === "ENOSPC",
    );
    for (const [name, form] of Object.entries(writes)) {
      expect(await first.codeOf(write(form, "DATA")), name).toBe("ENOSPC");
      expect(await first.codeOf(write(form, "OTHER")), name).toBeUndefined();
    }
    expect(await first.run(`return require("fs").readFileSync(process.env.DATA + "/old", "utf8")`)).toBe("kept");
    await cluster.faults.clear(id);
    await eventually(
      () => first.codeOf(write(writes.sync as string, "DATA")),
      (code) => code === undefined,
    );
  });

  const syncs: Record<string, string> = {
    sync: `const fd = fs.openSync(file, "a"); try { fs.fsyncSync(fd) } finally { fs.closeSync(fd) }`,
    "kept callback": `const fd = fs.openSync(file, "a");
    try { await new Promise((resolve, reject) => kept.fdatasync(fd, (error) => (error ? reject(error) : resolve()))) }
    finally { fs.closeSync(fd) }`,
    handle: `const handle = await fs.promises.open(file, "a"); try { await handle.datasync() } finally { await handle.close() }`,
  };

  test("fsync-error lets syncs fail and writes succeed", async () => {
    const { id } = await cluster.faults.add({ kind: "fsync-error", pods: ["second"], volume: "data" });
    await eventually(
      () => second.codeOf(write(syncs.sync as string, "DATA")),
      (code) => code === "EIO",
    );
    for (const [name, form] of Object.entries(syncs)) {
      expect(await second.codeOf(write(form, "DATA")), name).toBe("EIO");
      expect(await second.codeOf(write(form, "OTHER")), name).toBeUndefined();
    }
    expect(await second.codeOf(write(writes.handle as string, "DATA"))).toBeUndefined();
    await cluster.faults.clear(id);
  });

  test("fsync-delay lets syncs take longer", async () => {
    const { id } = await cluster.faults.add({ kind: "fsync-delay", pods: ["second"], volume: "data", delayMs: 200 });
    for (const form of Object.values(syncs)) {
      const timed = `const began = performance.now(); ${write(form, "DATA")}; return performance.now() - began`;
      await eventually(
        () => second.run(timed) as Promise<number>,
        (tookMs) => tookMs >= 199,
      );
    }
    await cluster.faults.clear(id);
  });
});
