import { describe, expect, it } from "vitest";
import { rangeRequest } from "../../src/proto/kv.ts";
import { type CommandName, encodeCommand } from "../../src/store/commands.ts";
import { createStore } from "../../src/store/store.ts";
import { atOnce } from "./at-once.ts";

function open() {
  const store = createStore();
  let index = 0;
  const apply = <N extends CommandName>(name: N, request: Parameters<typeof encodeCommand<N>>[1]): unknown =>
    atOnce(store.apply([{ index: ++index, term: 1, command: encodeCommand(name, request) }]))[0];
  const read = (key: string, revision: number): (string | number)[] =>
    atOnce(store.range({ ...rangeRequest.decode(Buffer.alloc(0)), key, revision })).kvs.map(
      ({ value, version }) => `${Buffer.from(value)} ${version}`,
    );
  return { store, apply, read };
}

describe("a compaction", () => {
  it("leaves what was there at its revision, though it was changed right after", async () => {
    const { store, apply, read } = open();
    apply("put", { key: "a", value: Buffer.from("1") });
    apply("put", { key: "a", value: Buffer.from("2") });
    apply("put", { key: "a", value: Buffer.from("3") });
    apply("compact", { revision: 3 });
    await store.settled();
    expect(read("a", 3)).toEqual(["2 2"]);
    expect(read("a", 4)).toEqual(["3 3"]);
    expect(store.history(1, 10).found.length).toBe(2);
  });

  it("forgets a deleted key, which then begins anew", async () => {
    const { store, apply, read } = open();
    apply("put", { key: "a" });
    apply("deleteRange", { key: "a" });
    apply("compact", { revision: 3 });
    await store.settled();
    expect(store.sizeBytes).toBe(0);
    apply("put", { key: "a", value: Buffer.from("1") });
    expect(read("a", 4)).toEqual(["1 1"]);
    expect(read("a", 3)).toEqual([]);
  });

  it("gives back every block of a long history but what is left of it, in order", async () => {
    const { store, apply } = open();
    for (let at = 0; at < 10_000; at++) apply("put", { key: `k${at % 100 === 0 ? at : 1}` });
    apply("compact", { revision: 10_001 });
    await store.settled();
    const { found } = store.history(1, 20_000);
    expect(found.length).toBe(101);
    expect(found.map(({ modRevision }) => modRevision)).toEqual(
      found.map(({ modRevision }) => modRevision).toSorted((a, b) => a - b),
    );
  });
});
