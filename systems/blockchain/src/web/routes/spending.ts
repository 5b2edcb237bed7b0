/** The original's own wallet routes: addresses of the node's default wallet, and payments from any of its addresses. */
import type { Wallet, Wallets } from "../../wallet/types.ts";
import * as schemas from "../schemas.ts";
import type { PageRequest } from "../views.ts";
import { pageOf, type Route, route } from "./route.ts";

interface PaymentBody {
  readonly from_address: string;
  readonly to_address: string;
  readonly amount: number;
  readonly fee_rate?: number;
}

export const spendingRoutes: readonly Route[] = [
  route<unknown, unknown, { label?: string } | undefined>({
    method: "POST",
    at: ["v1", "admin", "wallet"],
    access: "spend",
    path: "/wallet",
    tag: "Wallet",
    summary: "A new address of the node's default wallet",
    body: { ...schemas.object({ label: schemas.label }, ["label"]), nullable: true },
    answer: schemas.object({ address: schemas.address, label: { type: ["string", "null"] } }),
    status: 201,
    handle: async ({ backend, body }) => {
      const label = body?.label;
      const wallet = await backend.wallets.defaultWallet();
      return { address: await wallet.newAddress(label === undefined ? {} : { label }), label: label ?? null };
    },
  }),
  route<unknown, PageRequest>({
    method: "GET",
    at: ["v1", "admin"],
    access: "open",
    path: "/wallet/addresses",
    tag: "Wallet",
    summary: "Addresses that the node's wallets have handed out",
    query: schemas.paging,
    answer: schemas.page(schemas.walletAddress),
    handle: ({ backend, query }) => pageOf(addressesOf(backend.wallets), query),
  }),
  route<unknown, unknown, PaymentBody>({
    method: "POST",
    at: ["v1", "admin", "wallet"],
    access: "spend",
    path: "/transactions",
    tag: "Wallet",
    summary: "Pays from an address of the node's wallets",
    body: schemas.object(
      {
        from_address: schemas.address,
        to_address: schemas.address,
        amount: schemas.amount,
        fee_rate: schemas.feeRate,
      },
      ["fee_rate"],
    ),
    answer: schemas.sent,
    status: 201,
    handle: async ({ backend, body }) => {
      const { from_address, to_address, amount, fee_rate } = body;
      const wallet = await ownerOf(backend.wallets, from_address);
      const { txid, fee } = await wallet.send([{ address: to_address, amount }], {
        fromAddresses: [from_address],
        feeRate: fee_rate,
      });
      return { txid, from_address, to_address, amount, fee };
    },
  }),
];

const addressesOf = (wallets: Wallets) =>
  wallets.loaded().flatMap((wallet) =>
    wallet
      .addresses()
      .filter(({ change }) => !change)
      .map(({ address, label, change, used }) => ({ address, label: label ?? null, change, used })),
  );

/** Where no wallet has it, the default one says so in its own words. */
const ownerOf = async (wallets: Wallets, address: string): Promise<Wallet> =>
  wallets.loaded().find((wallet) => wallet.address(address) !== undefined) ?? wallets.defaultWallet();
