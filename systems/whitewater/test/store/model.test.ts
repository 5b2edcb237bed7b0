import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RangeRequest } from "../../src/proto/kv.ts";
import { rangeRequest } from "../../src/proto/kv.ts";
import type { Results } from "../../src/store/apply.ts";
import { type CommandName, encodeCommand, type Request } from "../../src/store/commands.ts";
import { Refused } from "../../src/store/refused.ts";
import { createStore } from "../../src/store/store.ts";
import type { Store } from "../../src/store/types.ts";
import { atOnce } from "./at-once.ts";
import { plain, Twin } from "./twin.ts";

const key = fc.constantFrom("a", "ab", "abc", "b", "b\xff", "\xff", "\0", "c");
const end = fc.constantFrom("", "", "\0", "b", "c", "\xff\xff");
const value = fc.constantFrom("", "1", "22", "xyz").map((text) => Buffer.from(text));
const lease = fc.constantFrom(0n, 0n, 7n, 8n);
const near = fc.nat(30);

const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("put" as const), key, value, lease, ignore: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete" as const), key, rangeEnd: end }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("grant" as const), id: fc.constantFrom(7n, 8n) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("revoke" as const), id: fc.constantFrom(7n, 8n) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("compact" as const), back: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "restart" as const }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("range" as const),
      key,
      rangeEnd: end,
      limit: fc.nat(4),
      back: fc.option(fc.nat(7), { nil: undefined }),
      sortOrder: fc.nat(2),
      sortTarget: fc.nat(4),
      keysOnly: fc.boolean(),
      countOnly: fc.nat(5).map((n) => n === 0),
      minModRevision: fc.oneof(fc.constant(0), near),
      maxCreateRevision: fc.oneof(fc.constant(0), near),
    }),
  },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

class Pair {
  store: Store = createStore();
  readonly twin = new Twin();
  private index = 0;

  apply<N extends CommandName>(name: N, request: Parameters<typeof encodeCommand<N>>[1]): Results[N] | Refused {
    const entry = { index: ++this.index, term: 1, command: encodeCommand(name, request) };
    return atOnce(this.store.apply([entry]))[0] as Results[N] | Refused;
  }

  async step(one: Command): Promise<void> {
    if (one.kind === "put") this.put(one);
    else if (one.kind === "delete") this.delete(one);
    else if (one.kind === "grant") {
      this.apply("leaseGrant", { id: one.id, ttl: 5 });
      this.twin.grant(one.id);
    } else if (one.kind === "revoke") {
      const result = this.apply("leaseRevoke", { id: one.id });
      expect(result instanceof Refused).toBe(!this.twin.revoke(one.id));
    } else if (one.kind === "compact") await this.compact(one.back);
    else if (one.kind === "restart") await this.restart();
    else {
      const revision = one.back === undefined ? 0 : Math.max(1, this.twin.revision - one.back);
      this.range({ ...rangeRequest.decode(Buffer.alloc(0)), ...one, revision });
    }
    expect(this.store.revision).toBe(this.twin.revision);
  }

  private put({ key, value, lease, ignore }: Extract<Command, { kind: "put" }>): void {
    const request: Request<"put"> = {
      key,
      value: ignore === 0 ? Buffer.alloc(0) : value,
      lease: ignore === 1 ? 0n : lease,
      prevKv: true,
      ignoreValue: ignore === 0,
      ignoreLease: ignore === 1,
    };
    const result = this.apply("put", request);
    const before = this.twin.put(request);
    if (result instanceof Refused) expect(result.refusal).toBe(before);
    else expect(result.prevKv && plain(result.prevKv)).toEqual(before);
  }

  private delete({ key, rangeEnd }: Extract<Command, { kind: "delete" }>): void {
    const request = { key, rangeEnd, prevKv: true };
    const result = this.apply("deleteRange", request) as Results["deleteRange"];
    expect(result.prevKvs.map(plain)).toEqual(this.twin.deleteRange(request));
  }

  private async compact(back: number): Promise<void> {
    const revision = this.twin.revision - back;
    const result = this.apply("compact", { revision });
    expect(result instanceof Refused ? result.refusal : undefined).toBe(this.twin.compact(revision));
    if (back % 2 === 0) await this.store.settled();
  }

  /** Through a snapshot whose chunks are cut anywhere. */
  private async restart(): Promise<void> {
    const { index, chunks } = this.store.snapshot();
    const restored = createStore();
    await restored.restore(index, recut(chunks));
    expect(restored.hash(0)).toBe(this.store.hash(0));
    expect(restored.liveKeys).toBe(this.store.liveKeys);
    this.store = restored;
  }

  private range(request: RangeRequest): void {
    const expected = this.twin.range(request);
    try {
      const { kvs, count, more } = atOnce(this.store.range(request));
      expect({ kvs: kvs.map(plain), count, more }).toEqual(expected);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      expect(error.refusal).toBe(expected);
    }
  }
}

async function* recut(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) for (let at = 0; at < chunk.length; at += 37) yield chunk.subarray(at, at + 37);
}

describe("the store", () => {
  it("answers as a twin that keeps every state there ever was", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 10, maxLength: 80, size: "max" }), async (commands) => {
        const pair = new Pair();
        for (const one of commands) await pair.step(one);
      }),
      { numRuns: 200 },
    );
  });
});
