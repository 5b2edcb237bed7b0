import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { RowCache } from "../src/store/row-cache.ts";
import { openTree } from "../src/store/tree.ts";
import { TreeKeyspace } from "../src/store/tree-keyspace.ts";
import { storedValue } from "../src/store/value.ts";

const bytes = Buffer.from;

describe("rows in memory", () => {
  it("are read once, until they are dropped", () => {
    const cache = new RowCache(100_000);
    let reads = 0;
    const read = () => bytes(`row ${++reads}`);
    expect(String(cache.get(bytes("a"), read))).toBe("row 1");
    expect(String(cache.get(bytes("a"), read))).toBe("row 1");
    cache.drop(bytes("a"));
    expect(String(cache.get(bytes("a"), read))).toBe("row 2");
    cache.clear();
    expect(String(cache.get(bytes("a"), read))).toBe("row 3");
    expect(cache.get(bytes("none"), () => undefined)).toBeUndefined();
  });

  it("are bounded: those in use stay, others go, and a long one does not come in", () => {
    const cache = new RowCache(100_000);
    const missed = new Map<string, number>();
    const get = (key: string, row = "x".repeat(50)) =>
      cache.get(bytes(key), () => {
        missed.set(key, (missed.get(key) ?? 0) + 1);
        return bytes(row);
      });
    for (let i = 0; i < 1000; i++) {
      get("used");
      get(`other ${i}`);
    }
    expect(missed.get("used")).toBe(1);
    get("other 0");
    expect(missed.get("other 0")).toBe(2);
    get("long", "x".repeat(50_000));
    get("long", "x".repeat(50_000));
    expect(missed.get("long")).toBe(2);
  });
});

describe("the tree behind them", () => {
  it("is answered as it is after each kind of change, and after one that failed", async () => {
    const dir = await mkdtemp(join(tmpdir(), "kvstore-rows-"));
    const tree = openTree(dir);
    try {
      const space = new TreeKeyspace(tree);
      const key = bytes("key");
      const put = (text: string, expiresAt?: number) => space.put(key, storedValue(bytes(text), expiresAt));
      const value = () => space.get(key)?.subarray(-1).toString();
      tree.transact(() => put("1"));
      expect(value()).toBe("1");
      tree.transact(() => put("2", 5000));
      expect(value()).toBe("2");
      expect(() =>
        tree.transact(() => {
          put("3");
          space.remove(key);
          put("4", 6000);
          throw new RangeError("in the middle");
        }),
      ).toThrow();
      space.recount();
      expect(value()).toBe("2");
      tree.transact(() => space.remove(key));
      expect(value()).toBeUndefined();
      tree.transact(() => put("5"));
      expect(value()).toBe("5");
      tree.transact(() => space.clear());
      expect(value()).toBeUndefined();
    } finally {
      await tree.close();
      await rm(dir, { recursive: true });
    }
  });
});
