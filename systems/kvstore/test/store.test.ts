import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KvStoreError } from "../src/errors.ts";
import { digestOf } from "../src/store/digest.ts";
import { encodeEntry, encodeOperation, type Operation } from "../src/store/entry.ts";
import { MAX_KEY_BYTES } from "../src/store/keyspace.ts";
import { operation, transactionOf } from "../src/store/operations.ts";
import { openStore, type Store } from "../src/store/store.ts";
import { storedValue, valueIn } from "../src/store/value.ts";

let dir: string;
let store: Store;
let now: number;
let index: number;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "kvstore-store-"));
  now = 1_000_000;
  index = 0;
  store = await openStore({ dir, now: () => now });
});

afterEach(async () => {
  await store.close();
  await rm(dir, { recursive: true });
});

const apply = (...operations: Operation[]) => {
  index = store.applied().index + 1;
  return store.apply([{ epoch: 1, index, command: encodeEntry(now, operations) }])[0];
};
const set = (key: string, value: string, expiresAt?: number) =>
  operation("put", key, storedValue(Buffer.from(value), expiresAt));
const read = (key: string) => {
  const stored = store.reader().get(Buffer.from(key));
  return stored && valueIn(stored).toString();
};
const keys = () => [...store.reader().range({})].map(({ key }) => key.toString());
const drain = async (chunks: AsyncIterable<Uint8Array>) => {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
};
async function* chunked(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe("keys and values", () => {
  it("keeps any bytes, the empty key and the empty value included, in byte order", () => {
    const binary = Buffer.from([0, 255, 13, 10, 0]);
    apply(operation("put", binary, storedValue(binary)), set("", "empty key"), set("b", ""), set("a", "1"));
    expect(store.reader().get(binary)).toEqual(storedValue(binary));
    expect(read("")).toBe("empty key");
    expect(read("b")).toBe("");
    expect([...store.reader().range({})].map(({ key }) => key)).toEqual([
      Buffer.from(""),
      binary,
      Buffer.from("a"),
      Buffer.from("b"),
    ]);
    expect(store.reader().size).toBe(4);
  });

  it("takes the longest key and answers an error to a longer one, without failing", () => {
    const longest = Buffer.alloc(MAX_KEY_BYTES, "k");
    expect(apply(operation("put", longest, storedValue(Buffer.from("x"), now + 10)))).toHaveLength(1);
    expect(store.reader().get(longest)).toBeDefined();
    const [reply] = apply(operation("put", Buffer.alloc(MAX_KEY_BYTES + 1), storedValue(Buffer.from("x")))) ?? [];
    expect(reply).toMatchObject({ message: expect.stringContaining("longer") });
  });

  it("reads ranges with bounds and limits", () => {
    apply(...["a", "b", "c", "d"].map((key) => set(key, key)));
    const range = (query: object) => [...store.reader().range(query)].map(({ key }) => key.toString()).join("");
    const [b, c] = [Buffer.from("b"), Buffer.from("c")];
    expect(range({ start: b, end: c })).toBe("bc");
    expect(range({ start: b, end: c, includeEnd: false })).toBe("b");
    expect(range({ start: b, afterStart: true })).toBe("cd");
    expect(range({ limit: 0 })).toBe("");
    expect(range({ limit: 3 })).toBe("abc");
    expect(range({ start: c, end: b })).toBe("");
  });

  it("does not let a failed transaction change anything", () => {
    const guarded = transactionOf([[Buffer.from("a"), digestOf(undefined)]], [set("a", "1"), set("b", "1")]);
    expect(apply(guarded)).toEqual([[{ text: "OK" }, { text: "OK" }]]);
    expect(apply(guarded)).toEqual([null]);
    expect(read("b")).toBe("1");
  });
});

describe("what only a newer program understands", () => {
  const unknown = encodeOperation({ code: 250, args: [Buffer.from("x")] });
  const newer: Record<string, Buffer> = {
    "an operation": encodeEntry(1_000_000, [{ code: 250, args: [] }]),
    "an operation of a transaction": encodeEntry(1_000_000, [
      set("a", "changed"),
      operation("transaction", encodeOperation({ code: 0, args: [] }), encodeOperation(set("a", "changed")), unknown),
    ]),
    "an entry": Buffer.concat([Buffer.from([2]), encodeEntry(1_000_000, [set("a", "changed")]).subarray(1)]),
  };

  it.each(Object.keys(newer))("%s stops the member before it holds other data than the rest", async (name) => {
    apply(set("a", "1"));
    await store.flush();
    const entries = [{ epoch: 1, index: 2, command: newer[name] as Buffer }];
    expect(() => store.apply(entries)).toThrow(expect.objectContaining({ code: "newer-version" }));
    await store.close();
    store = await openStore({ dir, now: () => now });
    expect(store.applied().index).toBe(1);
    expect(read("a")).toBe("1");
  });
});

describe("expiry", () => {
  it("hides a key from its time on, and reaps it", () => {
    apply(set("a", "1", now + 100), set("b", "2"), set("c", "3", now + 50));
    expect(store.nextExpiry()).toBe(now + 50);
    now += 100;
    expect(keys()).toEqual(["b"]);
    expect(store.reader().size).toBe(3);
    expect(apply(operation("reap", "10"))).toEqual([2]);
    expect(store.reader().size).toBe(1);
    expect(store.nextExpiry()).toBeUndefined();
  });

  it("forgets the expiry of a key that is replaced or removed", () => {
    apply(set("a", "1", now + 100), set("b", "1", now + 100));
    apply(set("a", "2"), operation("remove", "b"), set("b", "2"));
    now += 200;
    expect(apply(operation("reap", "10"))).toEqual([0]);
    expect(keys()).toEqual(["a", "b"]);
  });

  it("does not go back in time when a new primary's clock is behind", () => {
    apply(set("a", "1", now + 100));
    now += 100;
    apply(set("b", "1"));
    now -= 1000;
    expect(apply(operation("putIf", "a", storedValue(Buffer.from("2")), "N"))).toEqual([{ text: "OK" }]);
    expect(read("a")).toBe("2");
  });
});

describe("reopening", () => {
  it("finds data and position again", async () => {
    apply(set("a", "1"), set("x", "1", now + 5));
    await store.close();
    store = await openStore({ dir, now: () => now });
    expect(store.applied()).toEqual({ epoch: 1, index: 1 });
    expect(read("a")).toBe("1");
    expect(store.expiring).toBe(1);
  });

  it("refuses a folder in use", async () => {
    await expect(openStore({ dir })).rejects.toMatchObject({ code: "locked", message: expect.stringContaining(dir) });
  });

  it("notices a changed bit in a value wherever the value is read, and never answers it", async () => {
    apply(...Array.from({ length: 300 }, (_, i) => set(`key${i}`, `value-${i}-`.repeat(8))));
    await store.close();
    const path = join(dir, "data.mdb");
    const bytes = await readFile(path);
    const at = bytes.indexOf("value-123-value-123-") + 25;
    bytes.writeUInt8((bytes[at] as number) ^ 4, at);
    await writeFile(path, bytes);
    store = await openStore({ dir, now: () => now });
    const damaged = { code: "damaged", message: expect.stringMatching(/wrong checksum.*move this member's/) };
    expect(() => read("key123")).toThrow(expect.objectContaining(damaged));
    expect(() => keys()).toThrow(expect.objectContaining(damaged));
    expect(read("key124")).toBe("value-124-".repeat(8));
    const { chunks } = await store.snapshot();
    const drain = async () => {
      for await (const chunk of chunks) expect(chunk.length).toBeGreaterThan(0);
    };
    await expect(drain()).rejects.toMatchObject(damaged);
    expect(() => apply(operation("append", "key123", "x"))).toThrow(expect.objectContaining(damaged));
  });

  it.each([
    ["another file", (path: string) => writeFile(path, Buffer.alloc(100_000, 7)), "not one of a data file"],
    ["a cut file", (path: string) => truncate(path, 20_000), "bytes where"],
    ["a stump", (path: string) => truncate(path, 100), "not one of a data file"],
  ])("refuses %s and says what to do", async (_, damage, reason) => {
    apply(...Array.from({ length: 2000 }, (_, i) => set(`key${i}`, "value".repeat(10))));
    await store.close();
    await damage(join(dir, "data.mdb"));
    await expect(openStore({ dir })).rejects.toMatchObject({
      code: "damaged",
      message: expect.stringMatching(new RegExp(`${reason}.*move this member's whole data folder away`)),
    });
    await rm(join(dir, "data.mdb"));
    store = await openStore({ dir });
  });
});

describe("snapshots", () => {
  const fill = (count: number) =>
    apply(...Array.from({ length: count }, (_, i) => set(`key${i}`, `value${i}`.repeat(20))));

  it("copy the state of one moment while writes go on, and restore it in chunks of any size", async () => {
    fill(5000);
    apply(set("soon", "x", now + 100));
    const { at, chunks } = await store.snapshot();
    apply(set("key0", "changed"), set("later", "1"), operation("remove", "key1"));
    const bytes = await drain(chunks);
    await store.restore(at, chunked(bytes, 1000));
    expect(store.applied()).toEqual(at);
    expect(read("key0")).toBe("value0".repeat(20));
    expect(read("later")).toBeUndefined();
    expect(store.reader().size).toBe(5001);
    expect(store.nextExpiry()).toBe(now + 100);
  });

  it("hold nothing open when dropped before or while they are read", async () => {
    fill(5000);
    const unread = await store.snapshot();
    await unread.chunks[Symbol.asyncIterator]().return?.();
    for await (const _ of (await store.snapshot()).chunks) break;
    await store.close();
    store = await openStore({ dir });
  });

  it.each([
    ["cut short", (bytes: Buffer) => bytes.subarray(0, bytes.length - 20)],
    ["cut at a frame's edge", (bytes: Buffer) => bytes.subarray(0, bytes.length - 15)],
    ["altered", (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 5000), Buffer.from("!"), bytes.subarray(5001)])],
    ["foreign", () => Buffer.from("not a snapshot at all")],
    ["empty", () => Buffer.alloc(0)],
    ["continued", (bytes: Buffer) => Buffer.concat([bytes, bytes])],
  ])("are refused when %s, and leave an empty store that works on", async (_, damage) => {
    fill(1000);
    const { at, chunks } = await store.snapshot();
    const bytes = await drain(chunks);
    await expect(store.restore(at, chunked(damage(bytes), 777))).rejects.toBeInstanceOf(KvStoreError);
    expect(store.applied()).toEqual({ epoch: 0, index: 0 });
    expect(store.reader().size).toBe(0);
    apply(set("a", "1"));
    await store.close();
    store = await openStore({ dir, now: () => now });
    expect(read("a")).toBe("1");
  });
});
