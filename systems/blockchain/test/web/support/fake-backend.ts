/** A node of a few lines, for tests of what the web server adds to one. */
import { BlockchainError } from "../../../src/errors.ts";
import type { Wallet, Wallets } from "../../../src/wallet/types.ts";
import type { NodeEvent, WebBackend } from "../../../src/web/backend.ts";
import { pageOf } from "../../../src/web/routes/route.ts";
import type { BlockView, TransactionView } from "../../../src/web/views.ts";

export const id = (n: number): string => n.toString(16).padStart(64, "0");
export const someAddress = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";

export const blockView = (height: number): BlockView => ({
  hash: id(height + 1),
  previous_hash: id(height),
  timestamp: 1_700_000_000 + height * 10,
  height,
  nonce: 7,
  difficulty: 1,
  transaction_count: 1,
  merkle_root: id(9),
  size_bytes: 250,
  confirmations: 1,
});

export const transactionView = (n: number): TransactionView => ({
  txid: id(n),
  block_hash: null,
  block_height: null,
  timestamp: 1_700_000_000,
  confirmations: 0,
  coinbase: false,
  size_bytes: 200,
  virtual_size: 140,
  fee: 140,
  inputs: [{ txid: id(1), vout: 0, address: someAddress, value: 5000 }],
  outputs: [{ n: 0, address: someAddress, value: 4860, script: "00" }],
});

export interface FakeBackend extends WebBackend {
  readonly calls: string[];
  unready: string | undefined;
  unlive: string | undefined;
  emit(event: NodeEvent): void;
}

export function fakeBackend(height = 30): FakeBackend {
  const listeners = new Set<(event: NodeEvent) => void>();
  const calls: string[] = [];
  const blocks = Array.from({ length: height + 1 }, (_, index) => blockView(height - index));
  const pool = Array.from({ length: 3 }, (_, index) => transactionView(index + 100));
  const mining = {
    blocks: height,
    currentblocksize: 0,
    currentblocktx: 0,
    difficulty: 1,
    networkhashps: 10,
    pooledtx: pool.length,
    chain: "regtest",
    warnings: "",
    hashps: 0,
    mining: false,
    background: false,
  };
  return {
    calls,
    unready: undefined,
    unlive: undefined,
    network: "regtest",
    chain: () => ({
      chain: "regtest",
      height,
      difficulty: 1,
      total_blocks: height + 1,
      total_transactions: height + 1,
      mempool_size: pool.length,
      last_block_hash: id(height + 1),
      last_block_timestamp: 1_700_000_000,
      synced: true,
      headers: height,
    }),
    blocks: async (request) => pageOf(blocks, request),
    block: async (text) => blocks.find((block) => block.hash === text || String(block.height) === text),
    blockTransactions: async (text, request) =>
      blocks.some(({ hash }) => hash === text) ? pageOf(pool, request) : undefined,
    transactions: async (request) => pageOf(pool, request),
    transaction: async (text) => pool.find(({ txid }) => txid === text),
    mempool: async (request) => pageOf(pool, request),
    mempoolTransaction: async (text) => pool.find(({ txid }) => txid === text),
    address: async (address) => ({
      address,
      balance: 5,
      unconfirmed_balance: -1,
      utxo_count: 1,
      transaction_count: 2,
      label: null,
      mine: false,
    }),
    addressTransactions: async (_, request) => pageOf(pool, request),
    search: async (text) => (text === "0" ? { kind: "block", id: id(1) } : undefined),
    fees: () => ({ minimum: 1, fast: 3, normal: 2, slow: 1 }),
    mining: () => mining,
    setMining: async (on) => {
      calls.push(`mining ${on}`);
      return { ...mining, background: on };
    },
    peers: () => [],
    wallets: fakeWallets(calls),
    broadcast: async () => {
      throw new BlockchainError("rejected", "bad-txns-inputs-missingorspent");
    },
    generate: async ({ blocks: count }) => {
      calls.push(`generate ${count}`);
      return Array.from({ length: count }, (_, index) => id(index));
    },
    notReady() {
      return this.unready;
    },
    notLive() {
      return this.unlive;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    emit(event) {
      for (const listener of listeners) listener(event);
    },
  };
}

function fakeWallets(calls: string[]): Wallets {
  const wallet = {
    name: "default",
    info: () => ({
      name: "default",
      encrypted: false,
      unlockedUntil: undefined,
      scanning: false,
      height: 1,
      transactions: 0,
    }),
    balances: () => ({ trusted: 10, pending: 0, immature: 0, confirmed: 10 }),
    addresses: () => [{ address: someAddress, label: "tea", change: false, used: true }],
    address: (text: string) => (text === someAddress ? { address: text } : undefined),
    newAddress: async () => someAddress,
    history: () => [],
    lastSeen: () => [],
    descriptors: () => [],
    historyPart: () => ({ entries: [], total: 0 }),
    send: async (payments: unknown, options: unknown) => {
      calls.push(`send ${JSON.stringify(payments)} ${JSON.stringify(options)}`);
      return { txid: id(5), fee: 140, vsize: 140 };
    },
  } as unknown as Wallet;
  return {
    loaded: () => [wallet],
    get: (name: string) => (name === "default" ? wallet : undefined),
    defaultWallet: async () => wallet,
  } as unknown as Wallets;
}
