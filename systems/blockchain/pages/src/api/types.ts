/** What the API answers with, as far as the pages use it. Amounts are satoshis, times seconds since 1970. */

export interface Chain {
  readonly chain: string;
  readonly height: number;
  readonly difficulty: number;
  readonly total_blocks: number;
  readonly total_transactions: number;
  readonly mempool_size: number;
  readonly last_block_hash: string;
  readonly last_block_timestamp: number;
  readonly synced: boolean;
  readonly headers: number;
}

export interface Block {
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

export interface Transaction {
  readonly txid: string;
  readonly block_hash: string | null;
  readonly block_height: number | null;
  readonly timestamp: number;
  readonly confirmations: number;
  readonly coinbase: boolean;
  readonly virtual_size: number;
  readonly fee: number | null;
  readonly inputs: readonly {
    readonly txid: string | null;
    readonly vout: number;
    readonly address: string | null;
    readonly value: number | null;
  }[];
  readonly outputs: readonly {
    readonly n: number;
    readonly address: string | null;
    readonly value: number;
    readonly script: string;
  }[];
}

export interface Address {
  readonly address: string;
  readonly balance: number;
  readonly unconfirmed_balance: number;
  readonly utxo_count: number;
  readonly transaction_count: number;
  readonly label: string | null;
  readonly mine: boolean;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly page: number;
  readonly limit: number;
  readonly total: number;
}

export interface Fees {
  readonly minimum: number;
  readonly fast: number;
  readonly normal: number;
  readonly slow: number;
}

export interface Wallet {
  readonly name: string;
  readonly encrypted: boolean;
  readonly locked: boolean;
  readonly scanning: boolean;
  readonly height: number;
  readonly transactions: number;
  readonly balance: number;
  readonly pending: number;
  readonly immature: number;
}

export interface WalletAddress {
  readonly address: string;
  readonly label: string | null;
  readonly used: boolean;
}

export interface HistoryEntry {
  readonly txid: string;
  readonly category: string;
  readonly address: string | null;
  readonly amount: number;
  readonly fee: number | null;
  readonly label: string | null;
  readonly status: string;
  readonly confirmations: number;
  readonly timestamp: number;
  readonly replaceable: boolean;
  readonly comment: string | null;
}

export interface Mining {
  readonly networkhashps: number;
  readonly hashps: number;
  readonly mining: boolean;
  /** Whether it mines as soon as it can. */
  readonly background: boolean;
  readonly warnings: string;
}

export interface Peer {
  readonly address: string;
  readonly inbound: boolean;
  readonly agent: string;
  readonly height: number;
  readonly ping_ms: number | null;
  readonly connected_seconds: number;
  readonly bytes_sent: number;
  readonly bytes_received: number;
}

export interface Health {
  readonly status: string;
  readonly version: string;
  readonly uptime_seconds: number;
  readonly connected_peers: number;
  readonly memory_usage_mb: number;
  readonly rate_limits: { readonly mode: string; readonly degraded: string | null };
}
