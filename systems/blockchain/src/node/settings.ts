/**
 * Every setting of a node: flag `--node-addr`, environment `NODE_ADDR`, in this order. The names in capitals of the second group are the
 * original's, so that its manifests and compose files work here; the others are ours.
 */
import { type ConfigOf, setting } from "@coracle/pod";

const port = (help: string, value: number) => setting.integer({ help, default: value, min: 0, max: 65_535 });

export const SETTINGS = {
  network: setting.oneOf({
    help: "rules and first block: devnet (a block every 10 s) or regtest (exactly Bitcoin's)",
    values: ["devnet", "regtest"],
    default: "devnet",
    env: "BLOCKCHAIN_NETWORK",
  }),

  nodeIsMiner: setting.boolean({ help: "mine blocks", default: false }),
  nodeIsWebServer: setting.boolean({ help: "serve REST and the web pages", default: false }),
  nodeConnectNodes: setting.string({
    help: "nodes to dial, host:port separated by commas or blanks; local: none",
    default: "local",
  }),
  nodeMiningAddress: setting.string({ help: "address that mined coins go to; default: one of the own wallet" }),
  minerAddress: setting.string({ help: "the same, under the name that the Secret has" }),
  walletAddressPool: setting.string({
    help: "addresses separated by commas; INSTANCE_NUMBER picks the mining address",
  }),
  walletFile: setting.string({ help: "file of the wallet", default: "wallets/wallets.dat" }),
  walletPassphrase: setting.secret({ help: "opens the wallet while the node runs" }),
  treeDir: setting.string({ help: "folder of the chain's databases", default: "data" }),
  blocksTree: setting.string({ help: "name of this node's database in that folder", default: "blocks" }),
  nodeAddr: setting.string({ help: "address and port for peers to dial", default: "0.0.0.0:2001" }),
  centralNode: setting.string({ help: "one more node to dial; it has no special role here" }),
  instanceNumber: setting.integer({ help: "number of this node among its like", min: 0, max: 1_000_000 }),
  sequentialStartup: setting.string({ help: "taken and ignored: nodes may start in any order" }),
  bitcoinApiAdminKey: setting.secret({ help: "key of /api/admin" }),
  bitcoinApiWalletKey: setting.secret({ help: "key of /api/wallet" }),
  rlSettingsPath: setting.string({ help: "file with the rate limits", default: "./Settings.toml" }),
  debug: setting.string({ help: "taken and ignored: LOG_LEVEL=debug shows more" }),

  webHost: setting.string({ help: "address to serve the web on", default: "0.0.0.0" }),
  webPort: port("port to serve the web on", 8080),
  trustedProxyHops: setting.integer({
    help: "proxies in front whose X-Forwarded-For is believed",
    default: 0,
    min: 0,
    max: 16,
  }),
  openSpending: setting.boolean({
    help: "/api/v1 spends and mines without a key, as the original did; only where nobody else can reach it",
    default: false,
  }),
  redisPassword: setting.secret({ help: "of the Redis that shares the rate limits" }),
  healthPort: port("port for probes and metrics", 9090),
  rpcHost: setting.string({ help: "address of JSON-RPC", default: "127.0.0.1" }),
  rpcPort: port("port of JSON-RPC; 0 chooses a free one", 18_443),
  rpcUser: setting.string({ help: "user of JSON-RPC besides the cookie's" }),
  rpcPassword: setting.secret({ help: "that user's password" }),
  miningThreads: setting.integer({ help: "threads that look for a block", default: 1, min: 0, max: 256 }),
  miningWhen: setting.oneOf({
    help: "when a miner mines: always, as soon as transactions wait, or only on demand (default: always, on regtest on demand)",
    values: ["default", "always", "transactions", "demand"],
    default: "default",
  }),
  verificationThreads: setting.integer({
    help: "threads that check signatures; 0: as many as there are cores, less one",
    default: 0,
    min: 0,
    max: 256,
  }),
  maxInboundPeers: setting.integer({ help: "peers that may dial this node", default: 117, min: 0, max: 10_000 }),
  maxOutboundPeers: setting.integer({ help: "peers that this node dials", default: 10, min: 0, max: 1000 }),
  banSeconds: setting.integer({
    help: "how long a misbehaving peer stays out",
    default: 86_400,
    min: 1,
    max: 31_536_000,
  }),
} as const;

export type NodeSettings = ConfigOf<typeof SETTINGS>;
