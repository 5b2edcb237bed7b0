import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { afterEach, describe, expect, it } from "vitest";
import type { Raft } from "../src/index.ts";
import { bytes, Group, idOf, until } from "./support/group.ts";

let group: Group | undefined;

async function open(...args: Parameters<typeof Group.open>): Promise<Group> {
  group = await Group.open(...args);
  return group;
}

afterEach(async () => {
  await group?.close();
  group = undefined;
});

describe("a group of one", () => {
  it("leads, applies, and finds everything after a crash", async () => {
    const one = await open(1);
    const { raft } = one.get(1);
    expect(await raft.propose(bytes("a"))).toBe(1);
    expect(await raft.propose(bytes("b"))).toBe(2);
    await raft.readBarrier();
    await one.crash(1);
    const again = await one.start(1);
    expect(await again.raft.propose(bytes("c"))).toBe(3);
    expect(again.machine.list).toEqual(["a", "b", "c"]);
  });
});

describe("a group of three", () => {
  it("takes proposals at every member, in one order", async () => {
    const three = await open(3);
    await Promise.all(
      three.all.flatMap(({ raft, id }) => [raft.propose(bytes(`${id}-1`)), raft.propose(bytes(`${id}-2`))]),
    );
    await Promise.all(three.all.map(({ raft }) => raft.readBarrier()));
    const [first, ...others] = three.all.map(({ machine }) => machine.list);
    expect(first).toHaveLength(6);
    for (const other of others) expect(other).toEqual(first);
  });

  it("goes on without its leader, hides that from who proposes, and takes the old one back", async () => {
    const three = await open(3);
    const leader = await three.leader();
    const [one, two] = await three.followers();
    const writes = [one, two].map(async (number) => {
      for (let i = 0; i < 20; i++) await three.get(number as number).raft.propose(bytes(`${number}-${i}`));
    });
    await three.crash(leader);
    await Promise.all(writes);
    const back = await three.start(leader);
    await back.raft.readBarrier();
    expect(back.machine.list).toEqual(three.get(one as number).machine.list);
    expect(new Set(back.machine.list).size).toBe(40);
    expect(back.machine.list).toHaveLength(40);
  });

  it("hands leadership over when its leader stops", async () => {
    const three = await open(3);
    const leader = await three.leader();
    const term = three.get(leader).raft.status().term;
    await three.leave(leader);
    const next = await three.leader();
    expect(three.get(next).raft.status().term).toBe(term + 1);
    await until(() => three.all.every(({ raft }) => raft.status().leader !== undefined), "a leader known to all");
  });
});

async function fill(three: Group, at: number, count: number, size = 10): Promise<void> {
  for (let i = 0; i < count; i += 50)
    await Promise.all(
      Array.from({ length: Math.min(50, count - i) }, (_, j) =>
        three.get(at).raft.propose(bytes(`${i + j}`.padEnd(size, "."))),
      ),
    );
}

/** Asks again while the leader does not see the learner ready: its connections may just be changing. */
async function promoted(raft: Raft, number: number): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt++) {
    const refusal = await raft.changeMembers({ kind: "promote", id: idOf(number) }).catch((error: unknown) => error);
    if (refusal === undefined) return;
    expect(refusal).toMatchObject({ code: "unsafe" });
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  expect.unreachable(`${number} was never promoted`);
}

const converged = (group: Group) =>
  until(() => {
    const [first, ...others] = group.all.map(({ machine }) => machine.list.join());
    return others.every((list) => list === first);
  }, "the same state everywhere");

describe("snapshots", () => {
  const limits = { snapshotEntries: 60, retainEntries: 5, segmentBytes: 4096 };

  it("bring back who was away for long, and are found again after a restart of all", async () => {
    const three = await open(3, { limits });
    const [away = 0, stays = 0] = await three.followers();
    await three.crash(away);
    await fill(three, stays, 400);
    const leader = await three.leader();
    await until(() => three.get(leader).raft.status().firstIndex > 300, "a compacted log");
    expect((await readdir(join(three.dir, String(leader), "log"))).length).toBeLessThan(4);
    await three.start(away);
    await converged(three);
    expect(three.get(away).raft.status().snapshotIndex).toBeGreaterThan(300);
    for (const number of [1, 2, 3]) await three.crash(number);
    for (const number of [1, 2, 3]) await three.start(number);
    await three.get(away).raft.readBarrier();
    expect(three.get(away).machine.list).toHaveLength(400);
    expect(three.get(away).machine.members.map(({ id }) => id)).toEqual([1, 2, 3].map(idOf));
  });

  it("resume where a transfer broke off", async () => {
    const sent: number[] = [];
    const three = await open(3, { limits, metrics: { snapshotSent: (_, sizeBytes) => sent.push(sizeBytes) } });
    const [away = 0] = await three.followers();
    await three.crash(away);
    const leader = await three.leader();
    await fill(three, leader, 400, 3000);
    const folder = (number: number) => join(three.dir, String(number), "snapshots");
    await until(() => three.get(leader).raft.status().firstIndex > 300, "a late snapshot");
    const [name = ""] = (await readdir(folder(leader))).filter((file) => file.endsWith(".snapshot"));
    const whole = await readFile(join(folder(leader), name));
    const { snapshotIndex, term } = three.get(leader).raft.status();
    const part = `${snapshotIndex}-${term}-${whole.length}-${whole.subarray(-8).toString("hex")}.part`;
    await mkdir(folder(away), { recursive: true });
    await writeFile(join(folder(away), part), whole.subarray(0, whole.length - 1000));
    await three.start(away);
    await converged(three);
    expect(sent[0]).toBe(1000);
  });

  it("on their way when all members crash at once are sent again, and nothing is lost", async () => {
    const three = await open(3, { limits: { ...limits, snapshotEntries: 30, segmentBytes: 1 << 16 } });
    const [away = 0] = await three.followers();
    await three.crash(away);
    const leader = await three.leader();
    await fill(three, leader, 80, 1 << 15);
    await until(() => three.get(leader).raft.status().firstIndex > 20, "a compacted log");
    const folder = join(three.dir, String(away), "snapshots");
    const arrived = (ending: string): boolean =>
      existsSync(folder) && readdirSync(folder).some((name) => name.endsWith(ending));
    await three.start(away);
    await until(
      () => arrived(".part"),
      "a snapshot on its way",
      20_000,
      () => new Promise(setImmediate),
    );
    await Promise.all([1, 2, 3].map((number) => three.crash(number)));
    expect([arrived(".part"), arrived(".snapshot")]).toEqual([true, false]);
    await Promise.all([1, 2, 3].map((number) => three.start(number)));
    await converged(three);
    expect(three.get(away).machine.list).toHaveLength(80);
  });
});

describe("membership", () => {
  it("grows by learners that are promoted, and shrinks again, asked at any member", async () => {
    const three = await open(3);
    const [asked = 0] = await three.followers();
    await fill(three, asked, 30);
    for (const number of [4, 5]) {
      await three.start(number);
      const { raft } = three.get(asked);
      await raft.changeMembers({ kind: "add-learner", member: await three.describe(number) });
      await until(() => three.get(number).machine.list.length === 30, "a learner that caught up");
      expect(three.get(number).raft.status().role).toBe("learner");
      await promoted(raft, number);
    }
    await until(() => three.get(5).raft.status().role === "follower", "a voter");
    const leader = await three.leader();
    const others = [1, 2, 3].filter((number) => number !== leader);
    for (const number of others) await three.get(leader).raft.changeMembers({ kind: "remove", id: idOf(number) });
    for (const number of others) {
      await until(() => three.get(number).raft.status().role === "removed", "the removed one knows");
      await expect(three.get(number).raft.propose(bytes("x"))).rejects.toMatchObject({ code: "removed" });
    }
    expect(await three.get(4).raft.propose(bytes("after"))).toBe(31);
  });

  it("refuses what would lose the quorum, and says so at who asked", async () => {
    const three = await open(3);
    const [gone = 0, asked = 0] = await three.followers();
    await three.crash(gone);
    const leader = await three.leader();
    await until(
      () =>
        three
          .get(leader)
          .raft.status()
          .progress.some(({ isActive }) => !isActive),
      "the loss noticed",
    );
    // A leader that was elected just now changes no members before it has committed something.
    await three.get(leader).raft.readBarrier();
    const wish = three.get(asked).raft.changeMembers({ kind: "remove", id: idOf(asked) });
    await expect(wish).rejects.toMatchObject({ code: "unsafe", message: expect.stringContaining(`pod-${gone}`) });
    await three.get(asked).raft.changeMembers({ kind: "remove", id: idOf(gone) });
    expect(await three.get(asked).raft.propose(bytes("x"))).toBe(1);
  });

  it("follows a member to another address", async () => {
    const three = await open(3);
    const [moved = 0, asked = 0] = await three.followers();
    await three.leave(moved);
    const { id, name, address } = await three.move(moved);
    await three.get(asked).raft.changeMembers({ kind: "update", id, name, address });
    await three.start(moved);
    await three.get(asked).raft.propose(bytes("x"));
    await until(() => three.get(moved).machine.list.length === 1, "the log at the new address");
  });
});

describe("leadership", () => {
  it("goes where it is asked to, by any member", async () => {
    const three = await open(3);
    const [asked = 0, heir = 0] = await three.followers();
    await three.get(asked).raft.transferLeadership(idOf(heir));
    expect(await three.leader()).toBe(heir);
    await expect(three.get(asked).raft.transferLeadership("ffffffffffffffff")).rejects.toMatchObject({
      code: "invalid",
    });
  });

  it("without a majority, proposals end in time and say what may have happened", async () => {
    const three = await open(3, { timing: { tickMs: 10, heartbeatMs: 20, electionMs: 100, requestMs: 500 } });
    const leader = await three.leader();
    for (const number of await three.followers()) await three.crash(number);
    await expect(three.get(leader).raft.propose(bytes("x"))).rejects.toMatchObject({ code: "indeterminate" });
    await until(() => three.get(leader).raft.status().role !== "leader", "check-quorum");
    await expect(three.get(leader).raft.propose(bytes("y"))).rejects.toMatchObject({ code: "no-leader" });
    await expect(three.get(leader).raft.readBarrier()).rejects.toMatchObject({ code: "no-leader" });
  });

  it("is not waited for by a caller that gave up", async () => {
    const three = await open(3);
    for (const number of [1, 2]) await three.crash(number);
    const { raft } = three.get(3);
    await until(() => raft.status().leader === undefined, "no leader");
    for (const call of [
      (signal: AbortSignal) => raft.propose(bytes("x"), signal),
      (signal: AbortSignal) => raft.readBarrier(signal),
    ]) {
      const abort = new AbortController();
      const waiting = expect(call(abort.signal)).rejects.toMatchObject({ code: "no-leader" });
      abort.abort();
      await waiting;
    }
  });

  it("tells who listens about every change, the current state first", async () => {
    const three = await open(3);
    const leader = await three.leader();
    const seen: (string | undefined)[] = [];
    const [watched = 0] = await three.followers();
    const stop = three.get(watched).raft.subscribe((status) => seen.push(status.leader));
    expect(seen).toEqual([idOf(leader)]);
    await three.crash(leader);
    await until(() => seen.some((each) => each !== undefined && each !== idOf(leader)), "another leader");
    stop();
  });
});

describe("connections", () => {
  it("share a listener with something else, by a protocol upgrade, and carry the system's own questions", async () => {
    const accept = new Map<number, (socket: Duplex, head: Buffer) => void>();
    const servers = [1, 2, 3].map((number) => {
      const server = createServer((_, response) => response.end("hello"));
      server.on("upgrade", (_, socket, head) => {
        socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: raft\r\n\r\n");
        accept.get(number)?.(socket, head);
      });
      return server;
    });
    const connect = ({ host, port }: { host: string; port: number }, signal: AbortSignal) =>
      new Promise<Duplex>((resolve, reject) => {
        const upgrade = request({ host, port, signal, headers: { connection: "Upgrade", upgrade: "raft" } });
        upgrade.on("upgrade", (_, socket, head) => {
          socket.unshift(head);
          resolve(socket);
        });
        upgrade.on("error", reject).end();
      });
    const onRequest = async (from: string, method: string, payload: Uint8Array) =>
      Buffer.from(`${from} ${method} ${payload}`);
    const three = await open(3, { listen: undefined, connect, onRequest });
    for (const [i, server] of servers.entries()) {
      accept.set(i + 1, (socket, head) => three.get(i + 1).raft.accept(socket, head));
      const [, port] = (await three.describe(i + 1)).address.split(":");
      await new Promise<void>((resolve) => server.listen(Number(port), "127.0.0.1", resolve));
    }
    try {
      expect(await three.get(1).raft.propose(bytes("x"))).toBe(1);
      const answer = await three.get(1).raft.request(idOf(2), "wish", bytes("more"));
      expect(Buffer.from(answer).toString()).toBe(`${idOf(1)} wish more`);
    } finally {
      await three.close();
      for (const server of servers) server.close();
    }
  });

  it("of another cluster are refused", async () => {
    const three = await open(3);
    const [other = 0, asked = 0] = await three.followers();
    await three.crash(other);
    await rm(join(three.dir, String(other)), { recursive: true });
    await three.start(other, { clusterId: "red" });
    await fill(three, asked, 20);
    expect(three.get(other).raft.status()).toMatchObject({ leader: undefined, lastIndex: 1 });
  });
});

describe("a full disk", () => {
  it("moves leadership away, loses nothing, and its member goes on once there is room", {
    timeout: 60_000,
  }, async (context) => {
    const disk = await mkdtemp(join(tmpdir(), "raft-full-"));
    const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", disk]);
    if (status !== 0) {
      console.warn(`SKIPPED: tests of a full disk need to mount a tmpfs: ${stderr}`);
      await rm(disk, { recursive: true });
      return context.skip();
    }
    try {
      const three = await open(3);
      const [full = 0] = await three.followers();
      await three.leave(full);
      await rm(disk, { recursive: true, force: true }).catch(() => {});
      execFileSync("cp", ["-r", `${join(three.dir, String(full))}/.`, disk]);
      await three.start(full, { dir: disk });
      await three
        .get(full)
        .raft.transferLeadership(idOf(full))
        .catch(() => {});
      spawnSync("dd", ["if=/dev/zero", `of=${join(disk, "filler")}`, "bs=4k"]);
      await fill(three, full, 60, 2000).catch((error: unknown) =>
        expect(error).toMatchObject({ code: expect.stringMatching(/disk-full|indeterminate/) }),
      );
      const [other = 0] = [1, 2, 3].filter((number) => number !== full);
      await three.get(other).raft.propose(bytes("still"));
      await until(() => three.get(full).raft.refusal()?.code === "disk-full", "the full disk noticed");
      expect(three.get(full).raft.status().role).not.toBe("leader");
      await rm(join(disk, "filler"));
      await until(() => three.get(full).raft.refusal() === undefined, "room again");
      await three.get(full).raft.propose(bytes("again"));
      await converged(three);
    } finally {
      await group?.close();
      group = undefined;
      execFileSync("umount", ["-l", disk]);
      await rm(disk, { recursive: true, force: true });
    }
  });
});
