/** The same watches and the same changes, at a real etcd and at us: each watch is told the same, in the same order. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { program } from "../../../../scripts/testing/programs.ts";
import { startEtcd } from "./real-etcd.ts";
import { type Outcome, RawClient, type RunningServer, startServer } from "./testing.ts";

const etcd = program("etcd");
const bytes = (text: string): Buffer => Buffer.from(text, "latin1");

const key = fc.constantFrom("a", "b", "b", "c", "d").map(bytes);
const create = fc.record({
  key: fc.constantFrom("", "\0", "a", "b", "c", "e").map(bytes),
  rangeEnd: fc
    .constantFrom(undefined, undefined, "\0", "a", "c", "e")
    .map((end) => (end === undefined ? end : bytes(end))),
  /** Where to begin, before the present; undefined: with it. */
  back: fc.oneof(
    { weight: 2, arbitrary: fc.constant(undefined) },
    { weight: 2, arbitrary: fc.integer({ min: -3, max: 8 }) },
  ),
  prevKv: fc.boolean(),
  filters: fc.subarray([0, 1]),
  watchId: fc.constantFrom("0", "0", "0", "0", "2", "7", "-2"),
  progressNotify: fc.boolean(),
  fragment: fc.boolean(),
});
type Create = typeof create extends fc.Arbitrary<infer T> ? T : never;

const put = fc.record({ key, value: fc.constantFrom("1", "2").map(bytes) });
const deletion = fc.record({
  key,
  rangeEnd: fc.constantFrom(undefined, "d").map((end) => (end === undefined ? end : bytes(end))),
});
const several = fc.record({
  success: fc
    .uniqueArray(fc.constantFrom("a", "b", "c", "d"), { minLength: 1, maxLength: 3 })
    .map((keys) => keys.map((one) => ({ requestPut: { key: bytes(one), value: bytes("t") } }))),
});

const step = fc.oneof(
  { weight: 5, arbitrary: create.map((it) => ({ create: it })) },
  { weight: 1, arbitrary: fc.constantFrom("0", "1", "2", "7", "99").map((cancel) => ({ cancel })) },
  { weight: 1, arbitrary: fc.constant({ progress: true }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 6 }).map((compact) => ({ compact })) },
  { weight: 6, arbitrary: put.map((body) => ({ path: "KV/Put", body })) },
  { weight: 2, arbitrary: deletion.map((body) => ({ path: "KV/DeleteRange", body })) },
  { weight: 2, arbitrary: several.map((body) => ({ path: "KV/Txn", body })) },
);

interface Told {
  readonly watchId: string;
  readonly created: boolean;
  readonly canceled: boolean;
  readonly compactRevision: string;
  readonly cancelReason: string;
  readonly events: readonly object[];
}

/** One stream of watches, and what each was told: how it was cut into answers is no promise. */
class Watches {
  readonly told = new Map<string, unknown[]>();
  isProgressTold = false;
  ended = "";
  private readonly stream;

  constructor(client: RawClient) {
    this.stream = client.stream("Watch/Watch");
    this.stream.on("data", (answer: Told) => this.take(answer));
    this.stream.on("error", ({ message }) => {
      this.ended = message;
    });
  }

  private take({ watchId, created, canceled, compactRevision, cancelReason, events }: Told): void {
    if (watchId === "-1" && !created) {
      this.isProgressTold = true;
      return;
    }
    const told = this.told.get(watchId) ?? [];
    this.told.set(watchId, told);
    if (created || canceled) told.push({ created, canceled, compactRevision, cancelReason });
    told.push(...events);
  }

  write(request: object): void {
    this.stream.write(request);
  }

  end(): void {
    this.stream.cancel();
  }

  summary(): unknown {
    const told = [...this.told].sort(([a], [b]) => Number(a) - Number(b));
    return { told, progress: this.isProgressTold, ended: this.ended };
  }

  get answers(): number {
    return [...this.told.values()].reduce((sum, all) => sum + all.length, 0);
  }
}

describe.skipIf(etcd === undefined)("watches beside a real etcd", () => {
  let ours: RunningServer;
  let theirs: Awaited<ReturnType<typeof startEtcd>>;
  let clients: RawClient[] = [];

  beforeAll(async () => {
    ours = await startServer();
    theirs = await startEtcd(etcd!);
    clients = [new RawClient(theirs.port), new RawClient(ours.port)];
  });
  afterAll(async () => {
    for (const client of clients) client.close();
    await ours?.stop();
    await theirs?.stop();
  });

  const both = (path: string, body: object): Promise<Outcome[]> =>
    Promise.all(clients.map((client) => client.call(path, body)));

  async function alike([expected, actual]: readonly Watches[]): Promise<void> {
    // Either may still be telling: both are asked again until they agree.
    await expect
      .poll(() => [actual!, expected!].map((stream) => JSON.stringify(stream.summary())), {
        timeout: 5000,
        interval: 10,
      })
      .toSatisfy(([one, other]: string[]) => one === other);
  }

  // A watch that begins in the past is looked after ten times a second by etcd: whether a cancellation or compaction comes before that is chance.
  it("any watches of one stream are told alike", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 30, size: "max" }), async (steps) => {
        const streams = clients.map((client) => new Watches(client));
        const write = (request: object): void => {
          for (const stream of streams) stream.write(request);
        };
        let mayBeBehind = false;
        for (const one of steps) {
          const { revision } = ours.store;
          if ("create" in one) {
            mayBeBehind ||= (one.create.back ?? -1) >= 0;
            await created(streams, request(one.create, revision));
          } else if ("progress" in one) write({ progressRequest: {} });
          else if ("path" in one) await both(one.path, one.body);
          else if (mayBeBehind) continue;
          else if ("cancel" in one) write({ cancelRequest: { watchId: one.cancel } });
          else await both("KV/Compact", { revision: Math.max(1, revision - one.compact) });
        }
        await settled(streams);
        for (const stream of streams) stream.end();
      }),
      { numRuns: Number(process.env.FIDELITY_RUNS ?? 6), endOnFailure: true },
    );
  }, 120_000);

  /** Asks both for a watch, and waits for what they say to it. */
  async function created(streams: readonly Watches[], createRequest: object): Promise<void> {
    const before = streams.map(({ answers }) => answers);
    for (const stream of streams) stream.write({ createRequest });
    await until(() => streams.every(({ answers }, at) => answers > before[at]!));
  }

  /** A last watch, a change for it, and then everything alike. */
  async function settled(streams: readonly Watches[]): Promise<void> {
    await created(streams, { key: bytes("end"), watchId: "1000" });
    await both("KV/Put", { key: bytes("end") });
    await until(() => streams.every(({ told }) => told.get("1000")?.length === 2));
    await alike(streams);
  }
});

const until = (isTrue: () => boolean): Promise<void> => expect.poll(isTrue, { timeout: 5000, interval: 5 }).toBe(true);

function request({ back, rangeEnd, ...rest }: Create, revision: number): object {
  return {
    ...rest,
    ...(rangeEnd !== undefined && { rangeEnd }),
    ...(back !== undefined && { startRevision: Math.max(1, revision - back) }),
  };
}
