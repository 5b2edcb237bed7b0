/** What the web server needs of the node: everything it shows, as it shows it, and the few things it does. The real one is `nodeBackend`. */
import type { Wallets } from "../wallet/types.ts";
import type {
  AddressView,
  BlockView,
  ChainView,
  FeesView,
  FoundView,
  MiningView,
  Page,
  PageRequest,
  PeerView,
  TransactionView,
} from "./views.ts";

/** Methods take text from clients and reject with BlockchainError("bad-request") where it is none of theirs; undefined means not known here. */
export interface WebBackend {
  readonly network: string;
  chain(): ChainView;
  /** The newest first. */
  blocks(request: PageRequest): Promise<Page<BlockView>>;
  /** By hash or, in digits, by height in the best chain. */
  block(hashOrHeight: string): Promise<BlockView | undefined>;
  /** In the order of the block. */
  blockTransactions(hashOrHeight: string, request: PageRequest): Promise<Page<TransactionView> | undefined>;
  /** Confirmed ones, the newest first. */
  transactions(request: PageRequest): Promise<Page<TransactionView>>;
  transaction(txid: string): Promise<TransactionView | undefined>;
  mempool(request: PageRequest): Promise<Page<TransactionView>>;
  mempoolTransaction(txid: string): Promise<TransactionView | undefined>;
  address(address: string): Promise<AddressView>;
  /** Unconfirmed first, then the newest. */
  addressTransactions(address: string, request: PageRequest): Promise<Page<TransactionView>>;
  search(text: string): Promise<FoundView | undefined>;
  fees(): FeesView;
  mining(): MiningView;
  /** Starts or stops the background miner. Rejects with BlockchainError("rejected") where there is none. */
  setMining(on: boolean): Promise<MiningView>;
  peers(): readonly PeerView[];
  readonly wallets: Wallets;
  /** Returns the transaction id. Rejects with BlockchainError("rejected") and the reason. */
  broadcast(hex: string): Promise<string>;
  /** Mines blocks now; resolves with their hashes. Stops early when aborted or when `maxTries` nonces are used up. */
  generate(options: {
    readonly blocks: number;
    readonly address: string;
    readonly maxTries: number;
    readonly signal: AbortSignal;
  }): Promise<readonly string[]>;
  /** Why this node should get no traffic; undefined when it may. */
  notReady(): string | undefined | Promise<string | undefined>;
  /** Why a restart would help; undefined while it wouldn't. */
  notLive(): string | undefined | Promise<string | undefined>;
  subscribe(listener: (event: NodeEvent) => void): () => void;
}

/** What pages hear about as it happens. */
export type NodeEvent =
  | { readonly kind: "block"; readonly block: BlockView }
  /** A block left the best chain. */
  | { readonly kind: "reorganised"; readonly hash: string; readonly height: number }
  /** The mempool changed, maybe many times. */
  | { readonly kind: "mempool"; readonly mempool_size: number }
  | {
      readonly kind: "payment";
      readonly wallet: string;
      readonly txid: string;
      readonly amount: number;
      readonly state: string;
    };
