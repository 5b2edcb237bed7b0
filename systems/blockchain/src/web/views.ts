/**
 * What the REST API answers with: the names of the fields are its contract. Amounts are satoshis, times seconds since 1970, hashes
 * hexadecimal. The web pages use these types too, so nothing is imported here.
 */

export interface ChainView {
  readonly chain: string;
  readonly height: number;
  readonly difficulty: number;
  readonly total_blocks: number;
  /** Undefined where counting would mean reading the whole chain. */
  readonly total_transactions: number;
  readonly mempool_size: number;
  readonly last_block_hash: string;
  readonly last_block_timestamp: number;
  /** False while blocks are fetched that peers are known to have. */
  readonly synced: boolean;
  /** Height of the best header known; `height` reaches it when in sync. */
  readonly headers: number;
}

export interface BlockView {
  readonly hash: string;
  readonly previous_hash: string;
  readonly timestamp: number;
  readonly height: number;
  readonly nonce: number;
  readonly difficulty: number;
  readonly transaction_count: number;
  readonly merkle_root: string;
  readonly size_bytes: number;
  readonly confirmations: number;
}

export interface InputView {
  /** Null in a coinbase. */
  readonly txid: string | null;
  readonly vout: number;
  /** Null where the script has no address, or what is spent is not known here. */
  readonly address: string | null;
  readonly value: number | null;
}

export interface OutputView {
  readonly n: number;
  readonly address: string | null;
  readonly value: number;
  readonly script: string;
}

export interface TransactionView {
  readonly txid: string;
  /** Null while in the mempool. */
  readonly block_hash: string | null;
  readonly block_height: number | null;
  /** Of the block, or when it came into the mempool. */
  readonly timestamp: number;
  readonly confirmations: number;
  readonly coinbase: boolean;
  readonly size_bytes: number;
  readonly virtual_size: number;
  readonly fee: number | null;
  readonly inputs: readonly InputView[];
  readonly outputs: readonly OutputView[];
}

export interface BalanceView {
  readonly address: string;
  readonly balance: number;
  /** What the mempool would add or take. */
  readonly unconfirmed_balance: number;
  readonly utxo_count: number;
}

/** An address in the chain, and in the node's wallet if it is one of its. */
export interface AddressView extends BalanceView {
  readonly transaction_count: number;
  readonly label: string | null;
  readonly mine: boolean;
}

export interface WalletAddressView {
  readonly address: string;
  readonly label: string | null;
  readonly change: boolean;
  readonly used: boolean;
}

/** One of the node's wallets. */
export interface WalletView {
  readonly name: string;
  readonly encrypted: boolean;
  /** Encrypted, and the passphrase is not known at the moment. */
  readonly locked: boolean;
  readonly scanning: boolean;
  readonly height: number;
  readonly transactions: number;
  /** What can be spent. */
  readonly balance: number;
  readonly pending: number;
  readonly immature: number;
}

/** A line of a wallet's statement. */
export interface HistoryView {
  readonly txid: string;
  readonly category: "send" | "receive" | "generate" | "immature" | "orphan";
  readonly address: string | null;
  readonly amount: number;
  readonly fee: number | null;
  readonly label: string | null;
  readonly status: "confirmed" | "mempool" | "inactive" | "conflicted" | "abandoned";
  readonly confirmations: number;
  readonly timestamp: number;
  readonly replaceable: boolean;
  readonly comment: string | null;
}

export interface HealthView {
  readonly status: "healthy" | "degraded" | "unhealthy";
  readonly version: string;
  readonly uptime_seconds: number;
  readonly blockchain_height: number;
  readonly connected_peers: number;
  readonly memory_usage_mb: number;
  readonly rate_limits: { readonly mode: string; readonly degraded: string | null };
  readonly reason: string | null;
}

export interface MiningView {
  readonly blocks: number;
  readonly currentblocksize: number;
  readonly currentblocktx: number;
  readonly difficulty: number;
  readonly networkhashps: number;
  readonly pooledtx: number;
  readonly chain: string;
  readonly warnings: string;
  /** Of this node's own threads; 0 where it doesn't mine. */
  readonly hashps: number;
  readonly mining: boolean;
  /** Whether it mines as soon as its policy, the sync and the disk allow. */
  readonly background: boolean;
}

export interface PeerView {
  readonly address: string;
  readonly inbound: boolean;
  readonly agent: string;
  readonly height: number;
  readonly ping_ms: number | null;
  readonly connected_seconds: number;
  readonly bytes_sent: number;
  readonly bytes_received: number;
}

/** Satoshis per virtual byte for confirmation within about so many blocks. */
export interface FeesView {
  readonly minimum: number;
  readonly fast: number;
  readonly normal: number;
  readonly slow: number;
}

export interface FoundView {
  readonly kind: "block" | "transaction" | "address";
  /** Hash, transaction id or address as the other routes take it. */
  readonly id: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly page: number;
  readonly limit: number;
  readonly total: number;
}

export interface PageRequest {
  /** From 1. */
  readonly page: number;
  readonly limit: number;
}
