/** Puts a node together: each part gets the few others that it uses, and all are closed in reverse. */
import { mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { Logger, PodIdentity } from "@coracle/pod";
import type { Registry } from "prom-client";
import { scriptOfAddress } from "../address/address.ts";
import { openChain } from "../chain/open-chain.ts";
import type { Chain } from "../chain/types.ts";
import { COOKIE_NAME } from "../cli/rpc-client.ts";
import type { Network } from "../consensus/params.ts";
import { networks } from "../consensus/params.ts";
import { type ConsensusRules, consensusRules } from "../consensus/rules.ts";
import { createVerifier } from "../consensus/verifier.ts";
import { openMempool } from "../mempool/open-mempool.ts";
import type { Mempool } from "../mempool/types.ts";
import { scriptVerifier } from "../mempool/verify.ts";
import { openMiner } from "../miner/open-miner.ts";
import type { Miner } from "../miner/types.ts";
import { tcpWiring } from "../p2p/net/tcp.ts";
import { openNetwork, type PeerNetwork } from "../p2p/network.ts";
import { NETWORK_DEFAULTS } from "../p2p/options.ts";
import { createInvoke } from "../rpc/invoke.ts";
import { openAccess } from "../rpc/server/access.ts";
import { type RpcServer, startRpcServer } from "../rpc/server/server.ts";
import { rpcMethods } from "../rpc/table.ts";
import { walletMethods } from "../rpc/wallet-methods.ts";
import { miningAddress } from "../wallet/mining-address.ts";
import { walletChain, walletPool } from "../wallet/node-ports.ts";
import type { Wallets } from "../wallet/types.ts";
import { openWallets } from "../wallet/wallets.ts";
import { openWeb } from "../web/open-web.ts";
import type { WebServer } from "../web/server.ts";
import { externalHost, type HostPort, hostPort, nodesToDial } from "./addresses.ts";
import { readBans, writeBans } from "./ban-file.ts";
import { type NodeClock, nodeClock } from "./clock.ts";
import { Closers } from "./closers.ts";
import { miningPolicy, miningSetting, noMining } from "./mining.ts";
import { followDiscovery, startDiscovery } from "./peers.ts";
import type { NodeSettings } from "./settings.ts";
import { VERSION } from "./version.ts";

/** The file beside the wallet that keeps the address which was made for mining. */
const MINING_ADDRESS_FILE = "mining_address.txt";
/** As long as the node runs, in effect. */
const UNLOCK_SECONDS = 100_000_000;

export interface OpenNodeOptions {
  readonly settings: NodeSettings;
  readonly logger: Logger;
  readonly identity: PodIdentity;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly metrics?: Registry | undefined;
  /** `stop` of JSON-RPC. */
  readonly onStop: () => void;
}

export interface BlockchainNode {
  readonly chain: Chain;
  readonly mempool: Mempool;
  readonly miner: Miner;
  readonly network: PeerNetwork;
  readonly wallets: Wallets;
  readonly rpc: RpcServer;
  readonly web: WebServer | undefined;
  /** Everything that is durable is on disk when it resolves. Idempotent. */
  stop(): Promise<void>;
}

/** Resolves when it serves; the peers' port is the last to open. Rejects with what was wrong, nothing left open. */
export async function openNode(options: OpenNodeOptions): Promise<BlockchainNode> {
  const closers = new Closers(options.logger);
  try {
    return { ...(await openParts(options, closers)), stop: () => closers.close() };
  } catch (error) {
    await closers.close();
    throw error;
  }
}

async function openParts(options: OpenNodeOptions, closers: Closers): Promise<Omit<BlockchainNode, "stop">> {
  const { settings, logger, identity, metrics } = options;
  const clock = nodeClock();
  const own = hostPort(settings.nodeAddr);
  const dir = resolve(settings.treeDir, settings.blocksTree);
  await mkdir(dir, { recursive: true });
  const { chain, mempool } = await openState(settings, dir, clock, logger, closers);
  const wallets = await openWalletFile(settings, chain, mempool, clock, logger, closers);
  const late: { network?: PeerNetwork } = {};
  const isSyncing = (): boolean => late.network?.isSyncing ?? false;
  const miner = await openMining(options, { chain, mempool, wallets, clock, isSyncing }, closers);
  const network = await joinNetwork(options, own, dir, chain, mempool, closers);
  late.network = network;
  const rpc = await serveRpc(options, dir, { chain, mempool, miner, network, wallets }, clock, closers);
  const noMiner = noMining(settings, settings.network);
  const parts = { chain, mempool, miner, network, wallets, noMining: noMiner, now: () => clock.wallMs() };
  const web = settings.nodeIsWebServer
    ? await openWeb({ parts, settings, logger, version: VERSION, metrics })
    : undefined;
  if (web) closers.add("the web server", () => web.stop());
  if (settings.nodeIsMiner && miningPolicy(settings, settings.network)) miner.start();
  closers.add("the background miner", () => miner.stop());
  logger.info("node started", { node: identity.name, network: chain.network.name, height: chain.tip.height });
  return { chain, mempool, miner, network, wallets, rpc, web };
}

async function openState(
  settings: NodeSettings,
  dir: string,
  clock: NodeClock,
  logger: Logger,
  closers: Closers,
): Promise<{ readonly chain: Chain; readonly mempool: Mempool }> {
  const threads = settings.verificationThreads || Math.max(1, availableParallelism() - 1);
  const verifier = createVerifier({ threads });
  closers.add("the verification threads", () => verifier.close());
  const network = networks[settings.network];
  const rules = confirmingClock(consensusRules(network, verifier), clock, network);
  const chain = await openChain({ dir: join(dir, "chain"), network, rules, logger, clock });
  closers.add("the chain", () => chain.close());
  const mempool = await openMempool({ chain, dir, scripts: scriptVerifier(verifier), logger, clock });
  closers.add("the mempool", () => mempool.close());
  return { chain, mempool };
}

/** A header with work that is too new only because the clock holds a leap back tells that the leap is right. */
const confirmingClock = (rules: ConsensusRules, clock: NodeClock, { maxFutureSeconds }: Network): ConsensusRules => ({
  ...rules,
  checkHeader(header, parent, nowSeconds) {
    const verdict = rules.checkHeader(header, parent, nowSeconds);
    if (verdict?.blame !== "future" || !clock.confirm(header.time * 1000, maxFutureSeconds * 1000)) return verdict;
    return rules.checkHeader(header, parent, Math.floor(clock.wallMs() / 1000));
  },
});

async function openWalletFile(
  settings: NodeSettings,
  chain: Chain,
  mempool: Mempool,
  clock: NodeClock,
  logger: Logger,
  closers: Closers,
): Promise<Wallets> {
  const path = resolve(settings.walletFile);
  await mkdir(dirname(path), { recursive: true });
  const wallets = await openWallets(path, {
    network: chain.network,
    chain: walletChain(chain),
    pool: walletPool(mempool),
    now: () => clock.wallMs(),
    onError: (message, error) => logger.error(message, { error }),
  });
  closers.add("the wallets", () => wallets.close());
  if (settings.walletPassphrase) await unlock(wallets, settings.walletPassphrase);
  return wallets;
}

/** With a passphrase in the settings the node's own wallet is encrypted on disk and open while it runs. */
async function unlock(wallets: Wallets, passphrase: string): Promise<void> {
  const wallet = await wallets.defaultWallet();
  if (!wallet.info().encrypted) await wallet.encrypt(passphrase);
  await wallet.unlock(passphrase, UNLOCK_SECONDS);
}

interface MiningParts {
  readonly chain: Chain;
  readonly mempool: Mempool;
  readonly wallets: Wallets;
  readonly clock: NodeClock;
  readonly isSyncing: () => boolean;
}

async function openMining(
  { settings, identity, logger }: OpenNodeOptions,
  { chain, mempool, wallets, clock, isSyncing }: MiningParts,
  closers: Closers,
): Promise<Miner> {
  const policy = miningPolicy(settings, settings.network);
  const miner = openMiner({
    chain,
    mempool,
    workers: settings.miningThreads,
    ...(policy && { policy }),
    isSyncing,
    logger,
    clock,
  });
  closers.add("the miner", () => miner.close());
  if (!settings.nodeIsMiner) return miner;
  const file = join(dirname(resolve(settings.walletFile)), MINING_ADDRESS_FILE);
  const wanted = miningSetting(settings, identity.ordinal);
  const { address, source } = await miningAddress(wanted, file, wallets, chain.network);
  logger.info("mines to", { address, source });
  miner.setScript(scriptOfAddress(address, chain.network));
  return miner;
}

async function joinNetwork(
  { settings, logger, identity, env }: OpenNodeOptions,
  own: HostPort,
  dir: string,
  chain: Chain,
  mempool: Mempool,
  closers: Closers,
): Promise<PeerNetwork> {
  const banPath = join(dir, "bans.json");
  const network = await openNetwork({
    chain,
    mempool,
    wiring: tcpWiring,
    logger,
    host: own.host,
    port: own.port,
    externalHost: externalHost(own, identity.ip),
    maxInbound: settings.maxInboundPeers,
    maxOutbound: settings.maxOutboundPeers,
    banMs: settings.banSeconds * 1000,
    bans: await readBans(banPath, logger),
    onBansChanged: (bans) => writeBans(banPath, bans, logger),
  });
  closers.add("the peer network", () => network.stop());
  const fixed = nodesToDial(settings.nodeConnectNodes, settings.centralNode, own);
  const discovery = startDiscovery(env, own.port, logger);
  closers.add("discovery", () => discovery?.stop());
  closers.add("following discovery", followDiscovery(network, discovery, fixed, identity));
  return network;
}

async function serveRpc(
  { settings, logger, onStop }: OpenNodeOptions,
  dir: string,
  parts: Pick<BlockchainNode, "chain" | "mempool" | "miner" | "network" | "wallets">,
  clock: NodeClock,
  closers: Closers,
): Promise<RpcServer> {
  const access = await openAccess(join(dir, COOKIE_NAME), settings.rpcUser, settings.rpcPassword);
  closers.add("the RPC cookie", () => access.close());
  const context = {
    ...parts,
    userAgent: NETWORK_DEFAULTS.userAgent,
    startedAtMs: Date.now(),
    now: () => clock.wallMs(),
    setMockTime: settings.network === "regtest" ? clock.setMockTime : undefined,
    stop: onStop,
  };
  const invoke = createInvoke(context, rpcMethods(walletMethods));
  const { rpcHost: host, rpcPort: port } = settings;
  const rpc = await startRpcServer({ host, port, access, invoke, logger });
  closers.add("JSON-RPC", () => rpc.stop());
  return rpc;
}
