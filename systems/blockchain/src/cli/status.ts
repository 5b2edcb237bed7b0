/** One look at a node. */
export type Ask = (method: string, ...params: unknown[]) => Promise<unknown>;

export interface NodeStatus {
  readonly network: string;
  readonly height: number;
  readonly headers: number;
  readonly tip: string;
  /** The end of it, where the digits differ. */
  readonly shortTip: string;
  readonly tipTime: number;
  readonly peers: number;
  readonly syncing: boolean;
  readonly mempool: number;
  readonly mining: boolean;
  /** Of this node, hashes per second. */
  readonly hashRate: number;
  readonly hashRateText: string;
  /** Of all, estimated. */
  readonly networkHashRate: number;
  readonly difficulty: number;
}

interface ChainJson {
  readonly chain: string;
  readonly blocks: number;
  readonly headers: number;
  readonly bestblockhash: string;
  readonly time: number;
  readonly difficulty: number;
  readonly initialblockdownload: boolean;
}

interface MiningJson {
  readonly pooledtx: number;
  readonly generate: boolean;
  readonly hashespersec: number;
  readonly networkhashps: number;
}

export async function nodeStatus(ask: Ask): Promise<NodeStatus> {
  const [chain, mining, peers] = (await Promise.all([
    ask("getblockchaininfo"),
    ask("getmininginfo"),
    ask("getconnectioncount"),
  ])) as [ChainJson, MiningJson, number];
  return {
    network: chain.chain,
    height: chain.blocks,
    headers: chain.headers,
    tip: chain.bestblockhash,
    shortTip: chain.bestblockhash.slice(-8),
    tipTime: chain.time,
    peers,
    syncing: chain.initialblockdownload,
    mempool: mining.pooledtx,
    mining: mining.generate,
    hashRate: mining.hashespersec,
    hashRateText: mining.generate ? rateText(mining.hashespersec) : "",
    networkHashRate: mining.networkhashps,
    difficulty: chain.difficulty,
  };
}

export function statusText(status: NodeStatus): string {
  const { network, height, headers, tip, tipTime, peers, syncing, mempool, mining, hashRate } = status;
  return [
    `network   ${network}`,
    `height    ${height}${syncing ? ` of ${headers}, catching up` : ""}`,
    `tip       ${tip} (${new Date(tipTime * 1000).toISOString()})`,
    `peers     ${peers}`,
    `mempool   ${mempool} transactions`,
    `hash rate ${mining ? `${rateText(hashRate)} here` : "not mining here"}, ${rateText(status.networkHashRate)} in the network`,
  ].join("\n");
}

const UNITS = ["H/s", "kH/s", "MH/s", "GH/s", "TH/s"];

export function rateText(hashesPerSecond: number): string {
  let [value, unit] = [hashesPerSecond, 0];
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${UNITS[unit]}`;
}
