/** `whitewater server`: finds its peers, gets its seat, serves. */
import { rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { connectKube, isInCluster, type KubeClient } from "@coracle/kube";
import {
  createHealth,
  createLogger,
  type Discovery,
  type Logger,
  loadConfig,
  type PodRuntime,
  runPod,
} from "@coracle/pod";
import { askMembership } from "../http/dial.ts";
import { type HttpServer, serveHttp } from "../http/server.ts";
import { tlsFiles } from "../http/tls.ts";
import { AddressBook, addressOf } from "../membership/address-book.ts";
import { isRemoved, type SettleOptions, settle } from "../membership/settle.ts";
import { Standing } from "../membership/standing.ts";
import { followWanted, unknownWanted, type Wanted } from "../membership/wanted.ts";
import { announcePeers, announceRoles } from "./announce.ts";
import { createDiskGuard } from "./disk-guard.ts";
import { liveness, readiness } from "./health.ts";
import { clusterIdOf, type Self, selfOf } from "./identity.ts";
import { leaveIfScaledAway } from "./leaving.ts";
import { raftDir, startMember, type WhitewaterMember } from "./member.ts";
import { registerMetrics } from "./metrics.ts";
import { startDiscovery } from "./peers.ts";
import { mibToBytes, SETTINGS, type ServerSettings } from "./settings.ts";

/** Alone: nobody to look for. */
const NOBODY: Pick<Discovery, "peers" | "staleMs" | "source"> = { peers: () => [], staleMs: () => 0, source: "file" };

/** How often a member looks whether it has been removed, where nobody tells it. */
const LEADERLESS_MS = 1000;

export async function runServer(argv: readonly string[]): Promise<PodRuntime> {
  const settings = loadConfig(SETTINGS, { argv });
  const self = selfOf(settings);
  const logger = createLogger({ fields: { pod: self.name } });
  process.stdout.write(`I am: ${self.name} (${self.ip})\n`);
  return new Server(settings, self, logger).run();
}

class Server {
  readonly #settings: ServerSettings;
  readonly #self: Self;
  readonly #logger: Logger;
  #member: WhitewaterMember | undefined;
  #waitsFor = "starts";
  #wanted: Wanted = unknownWanted;

  constructor(settings: ServerSettings, self: Self, logger: Logger) {
    this.#settings = settings;
    this.#self = self;
    this.#logger = logger;
  }

  async run(): Promise<PodRuntime> {
    const { dataDir, readyLagEntries, initialClusterSize: size, diskReserveMib } = this.#settings;
    const logger = this.#logger;
    const self = this.#self;
    const tls = tlsFiles(this.#settings.tlsCertFile, this.#settings.tlsKeyFile, this.#settings.tlsCaFile);
    const health = await createHealth();
    const metrics = registerMetrics(health.metrics);
    const kube = await this.#kube();
    const discovery = startDiscovery(this.#settings, kube, logger, () => metrics.asked());
    const source = discovery ?? NOBODY;
    if (discovery) void announcePeers(discovery);
    if (kube && self.set !== undefined) this.#wanted = followWanted(kube, self.set, self.namespace, logger);
    const book = new AddressBook(self, () => source.peers());
    const standing = await Standing.open({ dir: dataDir, name: self.name, address: self.address, size, book });
    const disk = createDiskGuard(dataDir, mibToBytes(diskReserveMib), logger);
    health.ready(
      "member",
      readiness(
        () => this.#member,
        () => this.#waitsFor,
        readyLagEntries,
      ),
    );
    health.live("disk", liveness(dataDir));
    const host = this.#settings.host ?? (self.inKubernetes ? undefined : self.ip);
    let http: HttpServer | undefined;

    const takePart = async (pod: PodRuntime, signal: AbortSignal): Promise<void> => {
      const around: SettleOptions = {
        standing,
        book,
        size: self.first.length,
        first: self.first,
        others: () => this.#others(source),
        ask: (address, question, within) => askMembership(address, question, tls, within),
        clusterIdOf,
        empty: () => rm(raftDir(dataDir), { recursive: true, force: true }),
        logger,
        waits: (reason) => {
          this.#waitsFor = reason;
        },
      };
      const roster = await settle(around, signal);
      const { seat } = standing;
      const common = {
        self,
        seat,
        roster,
        settings: this.#settings,
        host,
        tls,
        book,
        wanted: this.#wanted,
        disk,
        logger,
      };
      const member = await startMember({ ...common, discovery: source, metrics: metrics.raft });
      logger.info("takes part", { cluster: roster.clusterId, member: seat.id, etcdPort: member.etcdPort });
      this.#member = member;
      standing.takePart(member);
      metrics.observe({ ...member, disk, requests: () => http?.requests() ?? 0 });
      announceRoles(member.raft, logger);
      await this.#untilRemoved(member, around, signal);
      if (!signal.aborted) await this.#startAnew(member, standing, pod);
    };

    return runPod({
      logger,
      health,
      phases: [
        {
          name: "http",
          start: async () => {
            const { port, maxConnections, maxRequests, maxRequestKib, requestTimeout: requestMs } = this.#settings;
            const limits = { maxConnections, maxRequests, maxBodyBytes: maxRequestKib * 1024, requestMs };
            http = await serveHttp({
              host,
              port,
              tls,
              limits,
              logger,
              context: {
                member: () => this.#member,
                waitsFor: () => this.#waitsFor,
                answer: (question) => standing.answer(question),
                peers: () => source.peers().map((peer) => ({ name: peer.id, address: addressOf(peer) })),
                leaderAddress: () => this.#leaderAddress(book),
                facts: () => ({
                  name: self.name,
                  address: self.address,
                  member: standing.record.disk,
                  pid: process.pid,
                }),
                health,
              },
            });
            logger.info("listens", { port: http.port });
          },
          stop: () => http?.stop(),
        },
        { name: "discovery", stop: () => discovery?.stop() },
        { name: "wanted", stop: () => this.#wanted.stop() },
        {
          name: "member",
          start: (pod) => pod.supervise("member", (signal) => takePart(pod, signal).catch(ignoreAbort(signal))),
          stop: (hurry) => this.#leave(hurry),
        },
      ],
    });
  }

  async #kube(): Promise<KubeClient | undefined> {
    return this.#settings.labelSelector !== undefined && isInCluster(process.env)
      ? connectKube({ env: process.env })
      : undefined;
  }

  /** Everybody beyond the first pods whom discovery shows now. A file shows the past, so nobody is waited for by it. */
  #others(discovery: Pick<Discovery, "peers" | "source">): readonly string[] {
    if (discovery.source === "file") return [];
    const { first, name } = this.#self;
    return discovery
      .peers()
      .filter(({ id, terminating }) => terminating !== true && id !== name && !first.includes(id))
      .map(({ id }) => id);
  }

  #leaderAddress(book: AddressBook): string | undefined {
    const status = this.#member?.raft.status();
    const leader = status?.members.find(({ id }) => id === status.leader);
    return leader && (book.addressesOf(leader.name)[0] ?? leader.address);
  }

  /** Resolves when the cluster has removed this member. One that was removed while it was away hears of it only by asking: it has no leader. */
  async #untilRemoved(member: WhitewaterMember, around: SettleOptions, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await delay(LEADERLESS_MS, undefined, { signal }).catch(() => undefined);
      const { role } = member.raft.status();
      const isGone = role === "removed" || (!member.hasLeader() && (await isRemoved(around, signal)));
      if (isGone && !this.#isScaledAway()) return;
    }
  }

  #isScaledAway(): boolean {
    return (this.#wanted.replicas() ?? Number.POSITIVE_INFINITY) <= (this.#self.ordinal ?? -1);
  }

  /** A member that was removed and is wanted all the same was taken for lost: it comes again with an empty disk. */
  async #startAnew(member: WhitewaterMember, standing: Standing, pod: PodRuntime): Promise<void> {
    this.#logger.warn("the cluster has removed this member");
    this.#member = undefined;
    await member.stop();
    await rm(raftDir(this.#settings.dataDir), { recursive: true, force: true });
    await standing.renew();
    void pod.stop("removed from the cluster; starts again to join it with an empty disk", 1);
  }

  async #leave(hurry: AbortSignal): Promise<void> {
    const member = this.#member;
    if (!member) return;
    await leaveIfScaledAway(member.raft, this.#self.ordinal, this.#wanted, this.#logger, hurry);
    await member.stop();
  }
}

const ignoreAbort =
  (signal: AbortSignal) =>
  (error: unknown): void => {
    if (!signal.aborted) throw error;
  };
