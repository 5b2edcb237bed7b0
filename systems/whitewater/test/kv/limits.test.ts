import { afterEach, describe, expect, it } from "vitest";
import { keyOf, prefixEnd, textOfKey } from "../../src/kv/keys.ts";
import { createKv } from "../../src/kv/kv.ts";
import type { Kv } from "../../src/kv/types.ts";
import { localRaft } from "./local-raft.ts";

const opened: Kv[] = [];
afterEach(() => {
  for (const kv of opened.splice(0)) kv.stop();
});
const open = (quotaBytes = 0): Kv => {
  const kv = createKv({ ...localRaft(), quotaBytes });
  opened.push(kv);
  return kv;
};

describe("the facade", () => {
  it("refuses a request above 1.5 MiB with etcd's words", async () => {
    const kv = open();
    await kv.put({ key: "a", value: Buffer.alloc(1.5 * 1024 * 1024 - 100) });
    await expect(kv.put({ key: "a", value: Buffer.alloc(1.5 * 1024 * 1024) })).rejects.toMatchObject({
      code: "request-too-large",
      message: "etcdserver: request is too large",
    });
  });

  it("refuses a transaction whose put would keep what it has just deleted, and does none of it", async () => {
    const kv = open();
    await kv.put({ key: "b", value: Buffer.from("1") });
    const deletion = { requestDeleteRange: { key: "a", rangeEnd: "\0" } };
    for (const keeping of [{ ignoreLease: true }, { ignoreValue: true }]) {
      const put = { requestPut: { key: "b", ...keeping } };
      const nested = [{ requestTxn: { success: [deletion] } }, { requestTxn: { success: [put] } }];
      for (const success of [[deletion, put], nested])
        await expect(kv.txn({ success })).rejects.toMatchObject({ code: "key-not-found" });
    }
    const { header, kvs } = await kv.range({ key: "b" });
    expect([header.revision, kvs[0]?.version]).toEqual([2, 1]);
    await kv.txn({ success: [{ requestPut: { key: "b", ignoreValue: true } }, deletion] });
    expect((await kv.range({ key: "b" })).count).toBe(0);
  });

  it("stops writes that need room when the quota is used up, until an operator makes room and says so", async () => {
    const kv = open(10_000);
    const value = Buffer.alloc(1000);
    await expect(
      (async () => {
        for (let count = 0; count < 20; count++) await kv.put({ key: "a", value });
      })(),
    ).rejects.toMatchObject({ code: "no-space" });
    expect(kv.alarms()).toEqual([{ memberId: 0xa1n, alarm: 1 }]);
    await expect(kv.put({ key: "b" })).rejects.toMatchObject({ code: "no-space" });
    await expect(kv.txn({ success: [{ requestPut: { key: "b" } }] })).rejects.toMatchObject({ code: "no-space" });
    await kv.deleteRange({ key: "a" });
    const { header } = await kv.range({ key: "a" });
    await kv.compact(header.revision);
    await expect(kv.put({ key: "b" })).rejects.toMatchObject({ code: "no-space" });
    await kv.setAlarm({ memberId: 0n, alarm: 0 }, false);
    expect(kv.alarms()).toEqual([]);
    await kv.put({ key: "b" });
  });

  it("gives memory back after a compaction", async () => {
    const local = localRaft();
    const kv = createKv(local);
    opened.push(kv);
    for (let count = 0; count < 20_000; count++) await kv.put({ key: `k${count % 10}`, value: Buffer.alloc(100) });
    const before = kv.status().sizeBytes;
    await kv.compact(20_001);
    await local.store.settled();
    expect(kv.status().sizeBytes).toBeLessThan(before / 1000);
    expect((await kv.range({ key: "k", rangeEnd: "l" })).count).toBe(10);
    expect(local.store.history(1, 100_000).found.length).toBe(10);
  });

  it("hashes alike whatever has been reclaimed", async () => {
    const one = localRaft();
    const other = localRaft();
    const kvs = [createKv(one), createKv(other)];
    opened.push(...kvs);
    for (const kv of kvs) {
      for (let count = 0; count < 100; count++) await kv.put({ key: `k${count % 7}`, value: Buffer.from(`${count}`) });
      await kv.compact(50);
    }
    await one.store.settled();
    const before = await kvs[0]!.hash(70);
    expect(before).toEqual(await kvs[1]!.hash(70));
    expect(before.hash).not.toBe((await kvs[0]!.hash(71)).hash);
    await expect(kvs[0]!.hash(40)).rejects.toThrow(/compacted/);
  });
});

describe("keys", () => {
  it("are strings of bytes", () => {
    expect(textOfKey(keyOf("grüße"))).toBe("grüße");
    expect(keyOf("ü")).toBe("\xc3\xbc");
    expect(prefixEnd("a\xff")).toBe("b");
    expect(prefixEnd("\xff\xff")).toBe("\0");
  });
});
