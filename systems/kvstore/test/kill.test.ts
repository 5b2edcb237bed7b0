/** Three processes, the primary killed again and again under writers: what was acknowledged is there, whoever leads. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Client } from "../src/cli/client.ts";
import { type MemberProcess, ProcessGroup } from "../src/testing/process-group.ts";

const SOON = { timeout: 30_000, interval: 50 };
const IDS = ["kvstore-0", "kvstore-1", "kvstore-2"];
const WRITERS = 4;
const ROUNDS = 3;

const open = (member: MemberProcess) => Client.open({ host: "127.0.0.1", port: member.port, timeoutMs: 10_000 });

/** Writes numbered keys to whoever leads, until told to stop; calls `acknowledged` with each that was. */
async function write(group: ProcessGroup, name: string, state: { isStopped: boolean }, acknowledged: Set<string>) {
  for (let i = 0; !state.isStopped; ) {
    const primary = await group.holder();
    if (!primary) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      continue;
    }
    try {
      await using client = await open(primary);
      for (; !state.isStopped; i++) {
        await client.ask("SET", `${name}-${i}`, `${i}`);
        acknowledged.add(`${name}-${i}`);
      }
    } catch {
      // Refused, uncertain or cut off: this number may or may not be stored, and is never counted.
      i++;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

it("loses nothing that was acknowledged when primaries are killed under writers", { timeout: 120_000 }, async () => {
  const dir = await mkdtemp(join(tmpdir(), "kvstore-kill-"));
  try {
    await using group = new ProcessGroup({ dir });
    await Promise.all(IDS.map((id) => group.start(id)));
    const inSync = async () => (await group.status())?.inSync.length;
    await expect.poll(inSync, SOON).toBe(IDS.length);
    const [acknowledged, state] = [new Set<string>(), { isStopped: false }];
    const writers = Array.from({ length: WRITERS }, (_, i) => write(group, `w${i}`, state, acknowledged));
    for (let round = 0; round < ROUNDS; round++) {
      const before = acknowledged.size;
      await expect.poll(() => acknowledged.size - before, SOON).toBeGreaterThan(200);
      const victim = (await group.holder()) as MemberProcess;
      await victim.kill("SIGKILL");
      const atKill = acknowledged.size;
      await expect.poll(() => acknowledged.size - atKill, SOON).toBeGreaterThan(100);
      await group.start(victim.id);
      await expect.poll(inSync, SOON).toBe(IDS.length);
    }
    state.isStopped = true;
    await Promise.all(writers);
    await using client = await open((await group.holder()) as MemberProcess);
    const keys = [...acknowledged];
    const values = (await client.ask("MGET", ...keys)) as readonly (Uint8Array | null)[];
    expect(keys.filter((key, i) => Buffer.from(values[i] ?? "").toString() !== key.split("-")[1])).toEqual([]);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
