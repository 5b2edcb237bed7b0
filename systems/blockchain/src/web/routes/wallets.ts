/** What the wallet's page does, for each of the node's wallets; all of it needs a key. */
import type { HistoryEntry, Wallet, Wallets } from "../../wallet/types.ts";
import { notFound } from "../failures.ts";
import * as schemas from "../schemas.ts";
import type { HistoryView, PageRequest, WalletAddressView, WalletView } from "../views.ts";
import { pageOf, type Route, route } from "./route.ts";

const keyed = { at: ["wallet", "admin"], access: "spend", tag: "Wallets" } as const;
const byName = schemas.object({ name: schemas.name });
const maxUnlockSeconds = 86_400;

type Named = { readonly name: string };

interface CreateBody extends Named {
  readonly mnemonic?: string;
  readonly passphrase?: string;
}

interface PaymentBody {
  readonly to_address: string;
  readonly amount: number;
  readonly fee_rate?: number;
  readonly comment?: string;
}

export const walletRoutes: readonly Route[] = [
  route({
    ...keyed,
    method: "GET",
    path: "/wallets",
    summary: "The node's wallets",
    answer: schemas.list(schemas.walletInfo),
    handle: ({ backend }) => backend.wallets.loaded().map(infoOf),
  }),
  route<unknown, unknown, CreateBody>({
    ...keyed,
    method: "POST",
    path: "/wallets",
    summary:
      "Makes a wallet, or restores one from its words. The words of a new one are told this once: write them down",
    body: schemas.object(
      {
        name: schemas.name,
        mnemonic: { type: "string", minLength: 20, maxLength: 400 },
        passphrase: schemas.passphrase,
      },
      ["mnemonic", "passphrase"],
    ),
    answer: schemas.object({ ...(schemas.walletInfo.properties as object), mnemonic: { type: ["string", "null"] } }),
    status: 201,
    handle: async ({ backend, body }) => {
      const { name, mnemonic, passphrase } = body;
      const wallet = await backend.wallets.create(name, { mnemonic, passphrase });
      // A fresh wallet with a passphrase may come locked; its words can then be read after unlocking it for a moment.
      if (mnemonic === undefined && passphrase !== undefined) await wallet.unlock(passphrase, 60);
      const words = mnemonic === undefined ? wallet.mnemonic() : null;
      if (passphrase !== undefined) wallet.lock();
      return { ...infoOf(wallet), mnemonic: words };
    },
  }),
  route<Named>({
    ...keyed,
    method: "GET",
    path: "/wallets/:name",
    summary: "One wallet, with its balance",
    params: byName,
    answer: schemas.walletInfo,
    handle: ({ backend, params }) => infoOf(walletOf(backend.wallets, params)),
  }),
  route<Named, PageRequest>({
    ...keyed,
    method: "GET",
    path: "/wallets/:name/history",
    summary: "Its payments, the newest first",
    params: byName,
    query: schemas.paging,
    answer: schemas.page(schemas.historyEntry),
    handle: ({ backend, params, query }) => {
      const { page, limit } = query;
      const { entries, total } = walletOf(backend.wallets, params).historyPart((page - 1) * limit, limit);
      return { items: entries.map(historyView), page, limit, total };
    },
  }),
  route<Named, PageRequest>({
    ...keyed,
    method: "GET",
    path: "/wallets/:name/addresses",
    summary: "Its addresses, the newest first",
    params: byName,
    query: schemas.paging,
    answer: schemas.page(schemas.walletAddress),
    handle: ({ backend, params, query }) => {
      const all: readonly WalletAddressView[] = walletOf(backend.wallets, params)
        .addresses()
        .map(({ address, label, change, used }) => ({ address, label: label ?? null, change, used }));
      return pageOf(all.filter(({ change }) => !change).reverse(), query);
    },
  }),
  route<Named, unknown, { label?: string; type?: "bech32" | "bech32m" }>({
    ...keyed,
    method: "POST",
    path: "/wallets/:name/addresses",
    summary: "A new address",
    params: byName,
    body: schemas.object({ label: schemas.label, type: { type: "string", enum: ["bech32", "bech32m"] } }, [
      "label",
      "type",
    ]),
    answer: schemas.object({ address: schemas.address }),
    status: 201,
    handle: async ({ backend, params, body }) => ({
      address: await walletOf(backend.wallets, params).newAddress({ label: body.label, type: body.type }),
    }),
  }),
  route<Named & { readonly address: string }, unknown, { label: string }>({
    ...keyed,
    method: "PUT",
    path: "/wallets/:name/addresses/:address",
    summary: "Changes an address's label",
    params: schemas.object({ name: schemas.name, address: schemas.address }),
    body: schemas.object({ label: schemas.label }),
    answer: schemas.object({ address: schemas.address, label: schemas.label }),
    handle: async ({ backend, params, body }) => {
      await walletOf(backend.wallets, params).setLabel(params.address, body.label);
      return { address: params.address, label: body.label };
    },
  }),
  route<Named, unknown, PaymentBody>({
    ...keyed,
    method: "POST",
    path: "/wallets/:name/payments",
    summary: "Pays from any of its coins",
    params: byName,
    body: schemas.object(
      { to_address: schemas.address, amount: schemas.amount, fee_rate: schemas.feeRate, comment: schemas.label },
      ["fee_rate", "comment"],
    ),
    answer: schemas.sent,
    status: 201,
    handle: async ({ backend, params, body }) => {
      const { to_address, amount, fee_rate, comment } = body;
      const wallet = walletOf(backend.wallets, params);
      const { txid, fee } = await wallet.send([{ address: to_address, amount }], { feeRate: fee_rate, comment });
      return { txid, to_address, amount, fee };
    },
  }),
  route<Named & { readonly txid: string }, unknown, { fee_rate?: number }>({
    ...keyed,
    method: "POST",
    path: "/wallets/:name/payments/:txid/bump",
    summary: "Replaces a waiting payment by one with a higher fee",
    params: schemas.object({ name: schemas.name, txid: schemas.hash }),
    body: schemas.object({ fee_rate: schemas.feeRate }, ["fee_rate"]),
    answer: schemas.object({ txid: schemas.hash, fee: schemas.satoshis, old_fee: schemas.satoshis }),
    handle: async ({ backend, params, body }) => {
      const { txid, fee, oldFee } = await walletOf(backend.wallets, params).bumpFee(params.txid, {
        feeRate: body.fee_rate,
      });
      return { txid, fee, old_fee: oldFee };
    },
  }),
  route<Named, unknown, { passphrase: string; seconds: number }>({
    ...keyed,
    method: "POST",
    path: "/wallets/:name/unlock",
    summary: "Lets it sign for a while",
    params: byName,
    body: schemas.object({
      passphrase: schemas.passphrase,
      seconds: { type: "integer", minimum: 1, maximum: maxUnlockSeconds },
    }),
    answer: schemas.walletInfo,
    handle: async ({ backend, params, body }) => {
      const wallet = walletOf(backend.wallets, params);
      await wallet.unlock(body.passphrase, body.seconds);
      return infoOf(wallet);
    },
  }),
  route<Named>({
    ...keyed,
    method: "POST",
    path: "/wallets/:name/lock",
    summary: "Forgets the passphrase now",
    params: byName,
    answer: schemas.walletInfo,
    handle: ({ backend, params }) => {
      const wallet = walletOf(backend.wallets, params);
      wallet.lock();
      return infoOf(wallet);
    },
  }),
];

function walletOf(wallets: Wallets, { name }: Named): Wallet {
  const wallet = wallets.get(name);
  if (wallet === undefined) throw notFound(`wallet ${name}`);
  return wallet;
}

function infoOf(wallet: Wallet): WalletView {
  const { name, encrypted, unlockedUntil, scanning, height, transactions } = wallet.info();
  const { trusted, pending, immature } = wallet.balances();
  return {
    name,
    encrypted,
    locked: unlockedUntil === 0,
    scanning,
    height,
    transactions,
    balance: trusted,
    pending,
    immature,
  };
}

const historyView = ({
  txid,
  category,
  address,
  amount,
  fee,
  label,
  status,
  time,
  replaceable,
  comment,
}: HistoryEntry): HistoryView => ({
  txid,
  category,
  address: address ?? null,
  amount,
  fee: fee ?? null,
  label: label ?? null,
  status: status.kind,
  confirmations: "depth" in status ? status.depth : 0,
  timestamp: time,
  replaceable,
  comment: comment ?? null,
});
