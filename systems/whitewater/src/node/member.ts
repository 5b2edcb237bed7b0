/** A member from the moment it has its seat: log, store, clients' ports, and the keeper of its cluster's membership. */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { SecureContextOptions } from "node:tls";
import type { Discovery, Logger } from "@coracle/pod";
import { type Member, openRaft, type Raft, type RaftMetrics } from "@coracle/raft";
import { type EtcdServer, serveEtcd } from "../etcd/serve.ts";
import type { RunningMember } from "../http/context.ts";
import { dialRaft } from "../http/dial.ts";
import { followTls, readTls, type TlsFiles } from "../http/tls.ts";
import { createKv } from "../kv/kv.ts";
import type { Kv } from "../kv/types.ts";
import { hasSeat } from "../membership/acceptor.ts";
import type { AddressBook } from "../membership/address-book.ts";
import { Keeper } from "../membership/keeper.ts";
import { parseSeat } from "../membership/parse.ts";
import type { ClusterView } from "../membership/standing.ts";
import type { Roster, Seat } from "../membership/types.ts";
import { verdictOn } from "../membership/verdict.ts";
import type { Wanted } from "../membership/wanted.ts";
import { createStore } from "../store/store.ts";
import type { DiskGuard } from "./disk-guard.ts";
import { ordinalIn, type Self } from "./identity.ts";
import { logSink } from "./log-sink.ts";
import { mibToBytes, type ServerSettings } from "./settings.ts";

export interface MemberOptions {
  readonly self: Self;
  readonly seat: Seat;
  readonly roster: Roster;
  readonly settings: ServerSettings;
  readonly host: string | undefined;
  readonly tls: TlsFiles | undefined;
  readonly book: AddressBook;
  readonly discovery: Pick<Discovery, "peers" | "staleMs" | "source">;
  readonly wanted: Wanted;
  readonly disk: DiskGuard;
  readonly metrics?: RaftMetrics;
  readonly logger: Logger;
}

export interface WhitewaterMember extends RunningMember, ClusterView {
  readonly etcdPort: number;
  /** Hands leadership over, then closes everything. */
  stop(): Promise<void>;
}

const GRANT_MS = 400;
const WISH = "wish";

export const raftDir = (dataDir: string): string => join(dataDir, "raft");

export async function startMember(options: MemberOptions): Promise<WhitewaterMember> {
  const { self, seat, roster, settings, tls, book, discovery, wanted, disk, logger } = options;
  const store = createStore();
  const keeperOf = (): Keeper => keeper;
  const raft: Raft = await openRaft({
    id: seat.id,
    clusterId: roster.clusterId,
    dir: raftDir(settings.dataDir),
    stateMachine: store,
    bootstrap: hasSeat(roster, seat.id) ? roster.seats : undefined,
    connect: (peer, signal) => dial(memberOf(raft, peer.id), `${peer.host}:${peer.port}`, book, tls, signal),
    onRequest: async (_from, method, payload) => {
      if (method === WISH) await granted(keeperOf(), parseSeat(JSON.parse(Buffer.from(payload).toString())));
      return new Uint8Array();
    },
    timing: { electionMs: settings.electionMs, heartbeatMs: settings.heartbeatMs },
    logger: logSink(logger.child({ part: "raft" })),
    ...(options.metrics && { metrics: options.metrics }),
  });
  const keeper = new Keeper({
    raft,
    discovery,
    wanted,
    graceMs: settings.removeAfter,
    maxVoters: settings.maxVoters,
    ordinalOf: ordinalIn(self.set),
    logger,
    now: () => performance.now(),
  });
  await raft.start();
  const kv = createKv({
    raft: disk.guarded(raft),
    store,
    quotaBytes: mibToBytes(settings.quotaMib),
    maxRequestBytes: settings.maxRequestKib * 1024,
  });
  const etcd = await serveEtcd({
    kv,
    raft,
    host: options.host ?? "0.0.0.0",
    port: settings.etcdPort,
    maxRequestBytes: settings.maxRequestKib * 1024,
    clientUrls: ({ address }) => [`${tls ? "https" : "http"}://${hostOf(address)}:${settings.etcdPort}`],
    onFault: (error) => logger.error("an etcd call failed as none should", { error }),
    ...(tls && { tls: withoutCa(readTls(tls)) }),
  });
  const unfollowTls = tls && followTls(tls, (renewed) => etcd.setTls(withoutCa(renewed)));
  disk.start(raft);
  keeper.start();
  return {
    raft,
    kv,
    etcdPort: etcd.port,
    hasLeader: () => raft.status().leader !== undefined,
    verdictOn: (id) => verdictOn(raft, id),
    wish: (wisher) => forwardWish(raft, keeper, wisher, logger),
    stop: async () => {
      keeper.stop();
      disk.stop();
      unfollowTls?.();
      await stopServing(etcd, kv, raft);
    },
  };
}

const hostOf = (address: string): string => address.slice(0, address.lastIndexOf(":"));

/** With a CA the server would ask clients for certificates, which only members have. */
const withoutCa = ({ ca: _, ...rest }: SecureContextOptions): SecureContextOptions => rest;

/** Leadership goes first, so that clients find the next leader while this one still answers. */
async function stopServing(etcd: EtcdServer, kv: Kv, raft: Raft): Promise<void> {
  if (raft.status().role === "leader")
    await raft.transferLeadership(undefined, AbortSignal.timeout(3000)).catch(() => undefined);
  await etcd.stop();
  kv.stop();
  await raft.stop();
}

/** The leader decides; others pass it on. A wish that gets lost is repeated by whoever has it. */
async function forwardWish(raft: Raft, keeper: Keeper, seat: Seat, logger: Logger): Promise<void> {
  const { role, leader } = raft.status();
  if (role === "leader") return granted(keeper, seat);
  if (leader === undefined) return;
  const signal = AbortSignal.timeout(GRANT_MS);
  await raft.request(leader, WISH, Buffer.from(JSON.stringify(seat)), signal).catch((error: unknown) => {
    logger.debug("a wish could not be passed on", { seat, error });
  });
}

/** Waits for the step that may grant it, so that who asked hears of it in the same answer; not for long, since it waits for that answer. */
async function granted(keeper: Keeper, seat: Seat): Promise<void> {
  const over = new AbortController();
  const late = delay(GRANT_MS, undefined, { signal: over.signal, ref: false }).catch(() => undefined);
  await Promise.race([keeper.wish(seat), late]);
  over.abort();
}

const memberOf = (raft: Raft, id: string): Member | undefined =>
  raft.status().members.find((member) => member.id === id);

/** Each address that is known for the pod, the freshest first: what the log says may be from before it moved. */
async function dial(
  member: Member | undefined,
  recorded: string,
  book: AddressBook,
  tls: TlsFiles | undefined,
  signal: AbortSignal,
): ReturnType<typeof dialRaft> {
  const addresses = new Set([...(member ? book.addressesOf(member.name) : []), recorded]);
  let failure: unknown;
  for (const address of addresses) {
    try {
      return await dialRaft(address, tls, signal);
    } catch (error) {
      failure = error;
    }
    signal.throwIfAborted();
  }
  throw failure;
}
