/** Who may: keys in `X-API-Key`, and the role that each stands for. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Logger } from "@coracle/pod";
import { BlockchainError } from "../errors.ts";

/** What a route asks for. `wallet` routes take the admin's key as well. */
export type Access = "open" | "wallet" | "admin";

export interface ApiKeys {
  readonly admin: string;
  readonly wallet: string;
}

/** The original's, with which its quick start works. Everyone knows them. */
export const defaultKeys: ApiKeys = { admin: "admin-secret", wallet: "wallet-secret" };

const longestKey = 256;

/** The keys of the settings, or the well-known ones with a loud warning. */
export function apiKeys(
  { bitcoinApiAdminKey, bitcoinApiWalletKey }: Partial<Record<"bitcoinApiAdminKey" | "bitcoinApiWalletKey", string>>,
  logger: Logger,
): ApiKeys {
  const keys = { admin: bitcoinApiAdminKey || defaultKeys.admin, wallet: bitcoinApiWalletKey || defaultKeys.wallet };
  if (keys.admin === keys.wallet)
    throw new BlockchainError("config", "BITCOIN_API_ADMIN_KEY and BITCOIN_API_WALLET_KEY must differ");
  for (const role of ["admin", "wallet"] as const)
    if (keys[role] === defaultKeys[role])
      logger.warn("ANYONE CAN USE THIS NODE'S API: its key is the well-known default; set your own", {
        role,
        variable: `BITCOIN_API_${role.toUpperCase()}_KEY`,
      });
  return keys;
}

/** Decides for one request; throws BlockchainError("unauthorized") without a known key, ("forbidden") with the wrong one. */
export function createGate(keys: ApiKeys): (access: Access, key: string | undefined) => void {
  const digests = { admin: digest(keys.admin), wallet: digest(keys.wallet) };
  return (access, key) => {
    if (access === "open") return;
    if (key === undefined || key.length > longestKey) throw unauthorized();
    const given = digest(key);
    // Both comparisons always, on digests of one length: how long it takes tells nothing about the keys.
    const isAdmin = timingSafeEqual(given, digests.admin);
    const isWallet = timingSafeEqual(given, digests.wallet);
    if (!isAdmin && !isWallet) throw unauthorized();
    if (access === "admin" && !isAdmin) throw new BlockchainError("forbidden", "this needs the admin's key");
  };
}

const digest = (key: string): Buffer => createHash("sha256").update(key).digest();

const unauthorized = (): BlockchainError =>
  new BlockchainError("unauthorized", "send a valid key in the header X-API-Key");
