/** JSON Schemas of what the API takes and gives. Text from outside has a greatest length everywhere. */

export type JsonSchema = Readonly<Record<string, unknown>>;

const integer = (description: string): JsonSchema => ({ type: "integer", description });
const text = (description = ""): JsonSchema => ({ type: "string", ...(description && { description }) });
const flag: JsonSchema = { type: "boolean" };
const orNull = (schema: JsonSchema): JsonSchema => ({ ...schema, type: [schema.type, "null"] });

/** An object with all of these fields. */
export const object = (
  properties: Readonly<Record<string, JsonSchema>>,
  optional: readonly string[] = [],
): JsonSchema => ({
  type: "object",
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  additionalProperties: false,
});
export const list = (items: JsonSchema): JsonSchema => ({ type: "array", items });
export const page = (items: JsonSchema): JsonSchema =>
  object({
    items: list(items),
    page: integer("from 1"),
    limit: integer("items per page"),
    total: integer("items of all pages"),
  });

export const satoshis = integer("satoshis");
export const hash = { type: "string", pattern: "^[0-9a-fA-F]{64}$" };
export const address = { type: "string", minLength: 14, maxLength: 90 };
export const name = { type: "string", minLength: 1, maxLength: 64, pattern: "^[A-Za-z0-9 _.-]+$" };
export const label = { type: "string", maxLength: 100 };
export const amount = { type: "integer", minimum: 1, maximum: 21e14, description: "satoshis" };
export const passphrase = { type: "string", minLength: 1, maxLength: 1024 };
export const feeRate = {
  type: "number",
  exclusiveMinimum: 0,
  maximum: 1_000_000,
  description: "satoshis per virtual byte",
};

export const paging = object({
  page: { type: "integer", minimum: 1, maximum: 10_000_000, default: 1 },
  limit: { type: "integer", minimum: 1, maximum: 100, default: 10 },
});

export const chain = object({
  chain: text("network"),
  height: integer("of the tip"),
  difficulty: { type: "number" },
  total_blocks: integer("the first included"),
  total_transactions: integer("in all blocks"),
  mempool_size: integer("transactions"),
  last_block_hash: text(),
  last_block_timestamp: integer("seconds since 1970"),
  synced: flag,
  headers: integer("height of the best header known"),
});

export const block = object({
  hash: text(),
  previous_hash: text(),
  timestamp: integer("seconds since 1970"),
  height: integer("0 is the first"),
  nonce: integer("of the header"),
  difficulty: { type: "number" },
  transaction_count: integer("the coinbase included"),
  merkle_root: text(),
  size_bytes: integer("with witnesses"),
  confirmations: integer("1 for the tip"),
});

export const transaction = object({
  txid: text(),
  block_hash: orNull(text("null while in the mempool")),
  block_height: orNull(integer("null while in the mempool")),
  timestamp: integer("seconds since 1970"),
  confirmations: integer("0 while in the mempool"),
  coinbase: flag,
  size_bytes: integer("with witnesses"),
  virtual_size: integer("weight / 4"),
  fee: orNull(satoshis),
  inputs: list(
    object({ txid: orNull(text()), vout: integer("output"), address: orNull(text()), value: orNull(satoshis) }),
  ),
  outputs: list(
    object({ n: integer("position"), address: orNull(text()), value: satoshis, script: text("hexadecimal") }),
  ),
});

export const balance = object({
  address: text(),
  balance: satoshis,
  unconfirmed_balance: integer("what the mempool adds or takes"),
  utxo_count: integer("unspent outputs"),
});

export const addressInfo = object({
  ...(balance.properties as Readonly<Record<string, JsonSchema>>),
  transaction_count: integer("that touch it"),
  label: orNull(text()),
  mine: flag,
});

export const walletAddress = object({ address: text(), label: orNull(text()), change: flag, used: flag });

export const mining = object({
  blocks: integer("height"),
  currentblocksize: integer("bytes of the block being looked for"),
  currentblocktx: integer("its transactions"),
  difficulty: { type: "number" },
  networkhashps: { type: "number" },
  pooledtx: integer("in the mempool"),
  chain: text(),
  warnings: text(),
  hashps: { type: "number", description: "of this node" },
  mining: flag,
  background: { type: "boolean", description: "mines whenever it can" },
});

export const peer = object({
  address: text(),
  inbound: flag,
  agent: text(),
  height: integer("it has told"),
  ping_ms: orNull({ type: "number" }),
  connected_seconds: integer("since"),
  bytes_sent: integer(""),
  bytes_received: integer(""),
});

export const fees = object({
  minimum: { type: "number" },
  fast: { type: "number" },
  normal: { type: "number" },
  slow: { type: "number" },
});

export const found = object({ kind: text(), id: text() });

export const sent = object(
  {
    txid: text(),
    from_address: text(),
    to_address: text(),
    amount: satoshis,
    fee: satoshis,
  },
  ["from_address"],
);

export const walletInfo = object({
  name: text(),
  encrypted: flag,
  locked: flag,
  scanning: flag,
  height: integer("up to which it has seen blocks"),
  transactions: integer("its own"),
  balance: satoshis,
  pending: satoshis,
  immature: satoshis,
});

export const historyEntry = object({
  txid: text(),
  category: text("send, receive, generate, immature or orphan"),
  address: orNull(text()),
  amount: satoshis,
  fee: orNull(satoshis),
  label: orNull(text()),
  status: text("confirmed, mempool, inactive, conflicted or abandoned"),
  confirmations: integer(""),
  timestamp: integer("seconds since 1970"),
  replaceable: flag,
  comment: orNull(text()),
});

export const health = object({
  status: text("healthy, degraded or unhealthy"),
  version: text(),
  uptime_seconds: integer(""),
  blockchain_height: integer(""),
  connected_peers: integer(""),
  memory_usage_mb: { type: "number" },
  rate_limits: object({ mode: text("shared or local"), degraded: orNull(text()) }),
  reason: orNull(text("why not healthy")),
});

/** The outer form of every answer. */
export const envelope = (data: JsonSchema): JsonSchema =>
  object({ success: flag, data: { ...data, nullable: true }, error: orNull(text()), timestamp: text("RFC 3339") });
