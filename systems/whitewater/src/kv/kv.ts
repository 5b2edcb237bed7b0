/** The facade: checks a request, sends it through the log or reads behind the barrier, and says what came of it in etcd's terms. */
import { randomBytes } from "node:crypto";
import type { Raft } from "@coracle/raft";
import { deleteRangeRequest, putRequest, rangeRequest, txnRequest } from "../proto/kv.ts";
import type { Draft, Message } from "../proto/message.ts";
import type { Results } from "../store/apply.ts";
import { type CommandName, encodeCommand, type Request, wrapCommand } from "../store/commands.ts";
import { largestTtl } from "../store/leases.ts";
import { Refused } from "../store/refused.ts";
import type { Store } from "../store/types.ts";
import { backupOf } from "./backup.ts";
import { checkDelete, checkPut, checkRange, checkTxn, isReadOnly, isSerializable } from "./checks.ts";
import { failureOf } from "./failure.ts";
import { LeaseClock } from "./lease-clock.ts";
import { refuse } from "./refusals.ts";
import { Renewals } from "./renewals.ts";
import type { Kv } from "./types.ts";
import { createWatchHub } from "./watch/hub.ts";

export interface KvOptions {
  readonly raft: Pick<Raft, "propose" | "readBarrier" | "status">;
  readonly store: Store;
  /** Default 1.5 MiB, as etcd's; what Raft takes must be more. */
  readonly maxRequestBytes?: number;
  /** Default 128. */
  readonly maxTxnOps?: number;
  /** Default 2 GiB; 0: no limit. */
  readonly quotaBytes?: number;
  /** A lease's shortest time. Default 2 s. */
  readonly minLeaseTtl?: number;
  /** Monotonic. */
  readonly nowMs?: () => number;
}

const tickMs = 250;
const noSpace = 1;
const activate = 1;
const deactivate = 2;

export function createKv(options: KvOptions): Kv {
  const { raft, store } = options;
  const { maxRequestBytes = 1.5 * 1024 * 1024, maxTxnOps = 128, quotaBytes = 2 * 1024 ** 3 } = options;
  const { minLeaseTtl = 2, nowMs = () => performance.now() } = options;
  const hub = createWatchHub(store);

  async function submit<N extends CommandName>(command: Buffer, signal?: AbortSignal): Promise<Results[N]> {
    if (command.length - 1 > maxRequestBytes) throw refuse("request-too-large");
    const result = await raft.propose(command, signal).catch(rethrow);
    if (result instanceof Refused) throw result.toError();
    return result as Results[N];
  }

  const propose = <N extends CommandName>(
    name: N,
    request: Draft<Request<N>>,
    signal?: AbortSignal,
    encoded?: Uint8Array,
  ): Promise<Results[N]> =>
    submit<N>(encoded === undefined ? encodeCommand(name, request) : wrapCommand(name, encoded), signal);

  const barrier = (signal?: AbortSignal): Promise<void> => raft.readBarrier(signal).catch(rethrow);

  /** Whoever fills the quota sets the alarm that stops all: only an operator, who makes room first, takes it back. */
  async function checkQuota(sizeBytes: number): Promise<void> {
    if (quotaBytes === 0 || store.sizeBytes + sizeBytes <= quotaBytes) return;
    const memberId = BigInt(`0x${raft.status().id}`);
    if (!store.alarms().some(({ alarm }) => alarm === noSpace))
      await propose("alarm", { action: activate, memberId, alarm: noSpace });
    throw refuse("no-space");
  }

  const clock = new LeaseClock({
    nowMs,
    isLeader: () => raft.status().role === "leader",
    hasLeader: () => raft.status().leader !== undefined,
    find: store.lease,
    expire: (leases) => propose("leaseExpire", { leases }),
  });
  clock.reset(store.leases());
  const renewals = new Renewals((ids) => propose("leaseRenew", { leases: ids.map((id) => ({ id })) }));
  const unsubscribe = store.subscribe({
    changed: hub.changed,
    granted: (lease) => clock.restart(lease),
    renewed: (lease) => clock.restart(lease),
    removed: (id) => clock.forget(id),
    restored() {
      clock.reset(store.leases());
      hub.restored();
    },
  });
  const timer = setInterval(() => clock.tick(), tickMs);
  timer.unref();
  const now = () => ({ revision: store.revision });

  return {
    async range(draft, signal, encoded) {
      const request = complete(rangeRequest, draft, encoded);
      checkRange(request);
      if (!request.serializable) await barrier(signal);
      return reading(() => store.range(request));
    },
    async put(draft, signal, encoded) {
      const request = complete(putRequest, draft, encoded);
      checkPut(request);
      if (quotaBytes !== 0) await checkQuota(request.key.length + request.value.length);
      return propose("put", request, signal, encoded);
    },
    async deleteRange(draft, signal, encoded) {
      const request = complete(deleteRangeRequest, draft, encoded);
      checkDelete(request);
      return propose("deleteRange", request, signal, encoded);
    },
    async txn(draft, signal, encoded) {
      const request = complete(txnRequest, draft, encoded);
      checkTxn(request, maxTxnOps);
      if (isReadOnly(request)) {
        if (!isSerializable(request)) await barrier(signal);
        return reading(() => store.readTxn(request));
      }
      const command = encoded === undefined ? encodeCommand("txn", request) : wrapCommand("txn", encoded);
      await checkQuota(command.length);
      return submit<"txn">(command, signal);
    },
    compact: (revision, signal) => propose("compact", { revision }, signal),
    async leaseGrant({ ttl, id = 0n }, signal) {
      // Before it is written down: the largest numbers of the protocol are rounded up here, and would come back from the log as negative ones.
      if (ttl > largestTtl) throw refuse("lease-ttl-too-large");
      await checkQuota(64);
      return propose("leaseGrant", { id: id === 0n ? freshId() : id, ttl: Math.max(ttl, minLeaseTtl) }, signal);
    },
    leaseRevoke: (id, signal) => propose("leaseRevoke", { id }, signal),
    async leaseKeepAlive(id) {
      const ttl = store.lease(id) === undefined ? await barrier().then(() => renewals.add(id)) : await renewals.add(id);
      return { header: now(), id, ttl };
    },
    async leaseTimeToLive(id, withKeys, signal) {
      await barrier(signal);
      if (withKeys) await store.whole();
      const lease = store.lease(id);
      if (lease === undefined) return { header: now(), id, ttl: -1, grantedTtl: 0, keys: [] };
      const keys = withKeys ? [...lease.keys].sort((a, b) => (a < b ? -1 : 1)) : [];
      return { header: now(), id, ttl: clock.remaining(id), grantedTtl: lease.ttl, keys };
    },
    async leases(signal) {
      await barrier(signal);
      return { header: now(), ids: Array.from(store.leases(), ({ id }) => id) };
    },
    watch: hub.watch,
    alarms: store.alarms,
    async setAlarm(alarm, isActive, signal) {
      return propose("alarm", { action: isActive ? activate : deactivate, ...alarm }, signal);
    },
    hash: (revision) =>
      reading(async () => {
        const { revision: current, compactRevision } = store;
        return { hash: await store.hash(revision), revision: current, compactRevision };
      }),
    snapshot: () => backupOf(store),
    status: () => ({
      revision: store.revision,
      compactRevision: store.compactRevision,
      keys: store.liveKeys,
      leases: store.leaseCount,
      watchers: hub.size,
      sizeBytes: store.sizeBytes,
      quotaBytes,
    }),
    stop() {
      clearInterval(timer);
      unsubscribe();
      hub.stop();
    },
  };
}

/** With every field: one that was decoded has them. */
const complete = <T>(type: Message<T>, draft: Draft<NoInfer<T>>, encoded?: Uint8Array): T =>
  encoded === undefined ? type.decode(type.encode(draft)) : (draft as T);

async function reading<T>(read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw error instanceof Refused ? error.toError() : error;
  }
}

function rethrow(cause: unknown): never {
  throw failureOf(cause);
}

/** Positive, as etcd's are; not 0, which is "none". */
const freshId = (): bigint => (randomBytes(8).readBigUInt64BE() & 0x7fff_ffff_ffff_ffffn) | 1n;
