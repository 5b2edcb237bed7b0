/** The same requests, in the same order, to a real etcd and to us: the same answers, field by field, but for who answered. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { program } from "../../../../scripts/testing/programs.ts";
import { startEtcd } from "./real-etcd.ts";
import { type Outcome, RawClient, type RunningServer, startServer } from "./testing.ts";

const etcd = program("etcd");

const bytes = (text: string): Buffer => Buffer.from(text, "latin1");
const key = fc.constantFrom("a", "ab", "b", "b\xff", "c", "\0", "\xff", "").map(bytes);
const rangeEnd = fc.constantFrom("", "", "\0", "b", "c", "a").map(bytes);
const value = fc.constantFrom("", "1", "2", "22").map(bytes);
const lease = fc.constantFrom("0", "0", "0", "7", "8", "9");
const seldom = fc.nat(9).map((n) => n === 0);
const small = fc.integer({ min: -1, max: 4 });
/** Near the present: the position is added when the request is made. */
const back = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.integer({ min: -3, max: 12 }) },
);

const range = fc.record({
  key,
  rangeEnd,
  limit: small,
  back,
  sortOrder: fc.nat(2),
  sortTarget: fc.nat(4),
  serializable: fc.boolean(),
  keysOnly: fc.boolean(),
  countOnly: seldom,
  minBack: back,
  maxBack: back,
});
const put = fc.record({ key, value, lease, prevKv: fc.boolean(), ignoreValue: seldom, ignoreLease: seldom });
const deletion = fc.record({ key, rangeEnd, prevKv: fc.boolean() });
const compare = fc.record({
  result: fc.nat(3),
  target: fc.nat(4),
  key,
  rangeEnd,
  small: fc.nat(3),
  value,
  back,
});

type Generated = Readonly<Record<string, unknown>>;
const op = (depth: number): fc.Arbitrary<Generated> =>
  fc.oneof(
    range.map((requestRange) => ({ requestRange })),
    put.map((requestPut) => ({ requestPut })),
    deletion.map((requestDeleteRange) => ({ requestDeleteRange })),
    ...(depth > 0 ? [txn(depth - 1).map((requestTxn) => ({ requestTxn }))] : []),
  );
const txn = (depth: number): fc.Arbitrary<Generated> =>
  fc.record({
    compare: fc.array(compare, { maxLength: 2 }),
    success: fc.array(op(depth), { maxLength: 3 }),
    failure: fc.array(op(depth), { maxLength: 3 }),
  });

const request = fc.oneof(
  { weight: 5, arbitrary: put.map((body) => ["KV/Put", body] as const) },
  { weight: 4, arbitrary: range.map((body) => ["KV/Range", body] as const) },
  { weight: 2, arbitrary: deletion.map((body) => ["KV/DeleteRange", body] as const) },
  { weight: 4, arbitrary: txn(2).map((body) => ["KV/Txn", body] as const) },
  {
    weight: 1,
    arbitrary: fc.record({ compactBack: fc.integer({ min: -2, max: 8 }) }).map((body) => ["KV/Compact", body] as const),
  },
  {
    weight: 1,
    arbitrary: lease.map((ID) => ["Lease/LeaseGrant", { ID, TTL: "1000" }] as const).filter(([, { ID }]) => ID !== "0"),
  },
  { weight: 1, arbitrary: lease.map((ID) => ["Lease/LeaseRevoke", { ID }] as const) },
  { weight: 1, arbitrary: lease.map((ID) => ["Lease/LeaseTimeToLive", { ID, keys: true }] as const) },
  { weight: 1, arbitrary: fc.constant(["Lease/LeaseLeases", {}] as const) },
);

/** The request's relative revisions made absolute, and one member of the union that the target names. */
function concrete(body: unknown, revision: number): unknown {
  if (Array.isArray(body)) return body.map((item) => concrete(item, revision));
  if (typeof body !== "object" || body === null || Buffer.isBuffer(body)) return body;
  const { back, minBack, maxBack, compactBack, small, rangeEnd, ...rest } = body as Record<string, unknown>;
  const at = (value: unknown): number => Math.max(1, revision - (value as number));
  const done: Record<string, unknown> = Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [name, concrete(value, revision)]),
  );
  // An empty end that is there on the wire counts as "to the last key" in etcd, and as absent in every other Protocol Buffers program.
  if (Buffer.isBuffer(rangeEnd) && rangeEnd.length > 0) done.rangeEnd = rangeEnd;
  if (compactBack !== undefined) done.revision = at(compactBack);
  if (minBack !== undefined) done.minModRevision = at(minBack);
  if (maxBack !== undefined) done.maxCreateRevision = at(maxBack);
  if ("target" in rest) return union(done, small as number, back === undefined ? 0 : at(back));
  if (back !== undefined) done.revision = at(back);
  return done;
}

function union({ value, ...compare }: Record<string, unknown>, small: number, revision: number): unknown {
  const fields = [
    { version: small },
    { createRevision: revision },
    { modRevision: revision },
    { value },
    { lease: small + 6 },
  ];
  return { ...compare, ...fields[compare.target as number] };
}

interface Ops {
  readonly requestPut?: { readonly key: Buffer; readonly ignoreValue: boolean; readonly ignoreLease: boolean };
  readonly requestDeleteRange?: { readonly key: Buffer; readonly rangeEnd: Buffer };
  readonly requestTxn?: { readonly success: readonly Ops[]; readonly failure: readonly Ops[] };
}

/**
 * Such a transaction passes etcd's checks and then ends its process: what the put would keep has just been deleted, by a deletion to the last key, which
 * those checks overlook. We refuse it (`limits.test.ts`). `from` is where the deletions so far begin; branches count as performed one after the other.
 */
function crashesEtcd({ success = [], failure = [] }: Partial<NonNullable<Ops["requestTxn"]>>): boolean {
  const from: Buffer[] = [];
  const look = ({ requestPut, requestDeleteRange, requestTxn }: Ops): boolean => {
    if (requestDeleteRange?.rangeEnd.equals(bytes("\0"))) from.push(requestDeleteRange.key);
    if (requestPut?.ignoreValue || requestPut?.ignoreLease) return from.some((key) => requestPut.key.compare(key) >= 0);
    return requestTxn !== undefined && [...requestTxn.success, ...requestTxn.failure].some(look);
  };
  return [...success, ...failure].some(look);
}

/** Without what tells the two apart, and without the order that is no promise. */
function comparable(outcome: Outcome): unknown {
  return JSON.parse(
    JSON.stringify(outcome, (name, value) => {
      if (["clusterId", "memberId", "raftTerm"].includes(name)) return undefined;
      if (name === "leases") return (value as { ID: string }[]).map(({ ID }) => ID).sort();
      if (name === "keys") return (value as Buffer[]).map((one) => one.toString("latin1")).sort();
      if (name === "TTL") return Number(value) > 0;
      return value;
    }),
  );
}

describe.skipIf(etcd === undefined)("beside a real etcd", () => {
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

  async function both(path: string, body: object): Promise<void> {
    const [expected, actual] = await Promise.all(clients.map((client) => client.call(path, body)));
    const asked = JSON.stringify(body);
    expect({ path, asked, ...(comparable(actual!) as object) }).toEqual({
      path,
      asked,
      ...(comparable(expected!) as object),
    });
  }

  it("any sequence of requests is answered alike", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 10, maxLength: 40, size: "max" }), async (requests) => {
        for (const [path, body] of requests) {
          if (path === "KV/Txn" && crashesEtcd(body)) continue;
          const { revision } = ours.store;
          await both(path, concrete(body, revision) as object);
        }
      }),
      // What was found before stays in both stores, so that a smaller case would start elsewhere.
      { numRuns: Number(process.env.FIDELITY_RUNS ?? 25), endOnFailure: true },
    );
  }, 120_000);

  it("sizes, counts and oddities are refused alike", async () => {
    const big = Buffer.alloc(1.6 * 1024 * 1024);
    await both("KV/Put", { key: bytes("big"), value: big });
    await both("KV/Put", { key: bytes("big"), value: Buffer.alloc(3 * 1024 * 1024) });
    await both("KV/Put", { key: Buffer.alloc(600_000, 1), value: bytes("1") });
    await both("KV/Txn", {
      success: Array.from({ length: 129 }, (_, at) => ({ requestPut: { key: bytes(`${at}`) } })),
    });
    await both("KV/Txn", { compare: Array.from({ length: 129 }, () => ({ key: bytes("a") })) });
    for (const TTL of ["9000000001", "9223372036854775807", "-9223372036854775808", "0"])
      await both("Lease/LeaseGrant", { TTL, ID: "77" });
    await both("Lease/LeaseRevoke", { ID: "12345" });
    await both("Lease/LeaseTimeToLive", { ID: "12345" });
    await both("Maintenance/MoveLeader", { targetID: "5" });
    await both("Cluster/MemberRemove", { ID: "5" });
    await both("Cluster/MemberPromote", { ID: "5" });
    await both("Cluster/MemberUpdate", { ID: "5", peerURLs: ["http://127.0.0.1:1"] });
    await both("Cluster/MemberAdd", { peerURLs: ["nonsense"] });
  });

  it("a store that is said to be corrupt is read, and changed by nothing", async () => {
    const alarm = (action: number): Promise<Outcome[]> =>
      Promise.all(clients.map((client) => client.call("Maintenance/Alarm", { action, alarm: 2, memberID: "3" })));
    await both("KV/Put", { key: bytes("a"), value: bytes("kept") });
    await both("Lease/LeaseGrant", { ID: "90", TTL: "1000" });
    for (const outcome of await alarm(1)) expect(outcome).toHaveProperty("ok");
    await both("KV/Put", { key: bytes("a") });
    await both("KV/DeleteRange", { key: bytes("a") });
    await both("KV/Txn", { success: [{ requestDeleteRange: { key: bytes("a") } }] });
    await both("KV/Txn", { success: [{ requestRange: { key: bytes("a") } }] });
    await both("KV/Compact", { revision: ours.store.revision });
    await both("Lease/LeaseGrant", { ID: "91", TTL: "1000" });
    await both("Lease/LeaseRevoke", { ID: "90" });
    await both("KV/Range", { key: bytes("a") });
    for (const outcome of await alarm(2)) expect(outcome).toHaveProperty("ok");
    await both("KV/Put", { key: bytes("a") });
    // What etcd ends its process at.
    for (const nonsense of [{ action: 7 }, { action: 1, alarm: 9 }])
      expect(await clients[1]!.call("Maintenance/Alarm", nonsense)).toMatchObject({ code: 3 });
  });

  it("leadership goes to who leads already", async () => {
    for (const client of clients) {
      const { leader } = await client.answer<{ leader: string }>("Maintenance/Status", {});
      expect(await client.call("Maintenance/MoveLeader", { targetID: leader })).toHaveProperty("ok");
    }
  });
});
