/** Reading the chain: blocks, transactions, addresses, the mempool, and finding things by what people paste. */
import { notFound } from "../failures.ts";
import * as schemas from "../schemas.ts";
import type { PageRequest } from "../views.ts";
import { type Route, route } from "./route.ts";

const both = ["v1", "admin"] as const;
const hashOrHeight = schemas.object({ hash: { type: "string", pattern: "^([0-9a-fA-F]{64}|\\d{1,9})$" } });
const byAddress = schemas.object({ address: schemas.address });
const byTxid = schemas.object({ txid: schemas.hash });
const read = { method: "GET", at: both, access: "open" } as const;

export const chainRoutes: readonly Route[] = [
  route({
    ...read,
    path: "/blockchain",
    tag: "Chain",
    summary: "The chain's state",
    answer: schemas.chain,
    handle: ({ backend }) => backend.chain(),
  }),
  route<unknown, PageRequest & { readonly hash?: string }>({
    ...read,
    path: "/blockchain/blocks",
    tag: "Chain",
    summary: "Blocks, the newest first; with `hash` that one only",
    query: schemas.object({ ...(schemas.paging.properties as object), hash: schemas.hash }, ["page", "limit", "hash"]),
    answer: schemas.page(schemas.block),
    handle: async ({ backend, query }) => {
      if (query.hash === undefined) return backend.blocks(query);
      const block = await backend.block(query.hash);
      return { items: block ? [block] : [], page: 1, limit: query.limit, total: block ? 1 : 0 };
    },
  }),
  route({
    ...read,
    path: "/blockchain/blocks/latest",
    tag: "Chain",
    summary: "The newest block",
    answer: schemas.block,
    handle: async ({ backend }) => (await backend.blocks({ page: 1, limit: 1 })).items[0],
  }),
  route<{ hash: string }>({
    ...read,
    path: "/blockchain/blocks/:hash",
    tag: "Chain",
    summary: "A block, by hash or height",
    params: hashOrHeight,
    answer: schemas.block,
    handle: async ({ backend, params }) => (await backend.block(params.hash)) ?? missing("block", params.hash),
  }),
  route<{ hash: string }, PageRequest>({
    ...read,
    path: "/blockchain/blocks/:hash/transactions",
    tag: "Chain",
    summary: "A block's transactions, in its order",
    params: hashOrHeight,
    query: schemas.paging,
    answer: schemas.page(schemas.transaction),
    handle: async ({ backend, params, query }) =>
      (await backend.blockTransactions(params.hash, query)) ?? missing("block", params.hash),
  }),
  route<unknown, PageRequest>({
    ...read,
    path: "/transactions",
    tag: "Transactions",
    summary: "Confirmed transactions, the newest first",
    query: schemas.paging,
    answer: schemas.page(schemas.transaction),
    handle: ({ backend, query }) => backend.transactions(query),
  }),
  route<unknown, PageRequest>({
    ...read,
    path: "/transactions/mempool",
    tag: "Transactions",
    summary: "Transactions that wait for a block, the best paying first",
    query: schemas.paging,
    answer: schemas.page(schemas.transaction),
    handle: ({ backend, query }) => backend.mempool(query),
  }),
  route<{ txid: string }>({
    ...read,
    path: "/transactions/mempool/:txid",
    tag: "Transactions",
    summary: "One that waits",
    params: byTxid,
    answer: schemas.transaction,
    handle: async ({ backend, params }) =>
      (await backend.mempoolTransaction(params.txid)) ?? missing("mempool transaction", params.txid),
  }),
  route<{ address: string }, PageRequest>({
    ...read,
    path: "/transactions/address/:address",
    tag: "Transactions",
    summary: "What an address took part in, the newest first",
    params: byAddress,
    query: schemas.paging,
    answer: schemas.page(schemas.transaction),
    handle: ({ backend, params, query }) => backend.addressTransactions(params.address, query),
  }),
  route<{ txid: string }>({
    ...read,
    path: "/transactions/:txid",
    tag: "Transactions",
    summary: "A transaction, confirmed or waiting",
    params: byTxid,
    answer: schemas.transaction,
    handle: async ({ backend, params }) =>
      (await backend.transaction(params.txid)) ?? missing("transaction", params.txid),
  }),
  route<unknown, unknown, { hex: string }>({
    method: "POST",
    at: both,
    // Whoever holds a signed transaction may hand it in: the signatures are what allows it.
    access: "open",
    path: "/transactions/broadcast",
    tag: "Transactions",
    summary: "Hands in a signed transaction",
    body: schemas.object({
      hex: { type: "string", pattern: "^([0-9a-fA-F]{2})+$", minLength: 20, maxLength: 800_000 },
    }),
    answer: schemas.object({ txid: schemas.hash }),
    handle: async ({ backend, body }) => ({ txid: await backend.broadcast(body.hex) }),
  }),
  route<{ address: string }>({
    ...read,
    path: "/wallet/:address",
    tag: "Addresses",
    summary: "What is known of an address",
    params: byAddress,
    answer: schemas.addressInfo,
    handle: ({ backend, params }) => backend.address(params.address),
  }),
  route<{ address: string }>({
    ...read,
    path: "/wallet/:address/balance",
    tag: "Addresses",
    summary: "Its balance",
    params: byAddress,
    answer: schemas.balance,
    handle: async ({ backend, params }) => {
      const { address, balance, unconfirmed_balance, utxo_count } = await backend.address(params.address);
      return { address, balance, unconfirmed_balance, utxo_count };
    },
  }),
  route({
    ...read,
    path: "/fees",
    tag: "Transactions",
    summary: "Fee rates to choose from, satoshis per virtual byte",
    answer: schemas.fees,
    handle: ({ backend }) => backend.fees(),
  }),
  route<unknown, { q: string }>({
    ...read,
    path: "/search",
    tag: "Chain",
    summary: "What a height, hash, transaction id or address names",
    query: schemas.object({ q: { type: "string", minLength: 1, maxLength: 100 } }),
    answer: schemas.found,
    handle: async ({ backend, query }) =>
      (await backend.search(query.q.trim())) ?? missing("what you look for", query.q),
  }),
];

const missing = (kind: string, id: string): never => {
  throw notFound(`${kind} ${id}`);
};
