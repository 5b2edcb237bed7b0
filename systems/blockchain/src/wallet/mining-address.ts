/** Where a miner's rewards go: what the operator says, else an address of the node's own wallet that is kept beside it. */
import { readFile } from "node:fs/promises";
import { parseAddress } from "../address/address.ts";
import { AddressError } from "../address/errors.ts";
import type { AddressPrefixes } from "../address/prefixes.ts";
import { WalletError } from "./errors.ts";
import { replaceFile } from "./file/durable.ts";
import type { Wallets } from "./types.ts";

export interface MiningAddress {
  readonly address: string;
  readonly source: "setting" | "file" | "created";
}

/** What people leave in a secret that they were to fill in. */
const PLACEHOLDER = /your|placeholder|change[-_ ]?me|replace|example|miner[-_ ]?address|<|>|^x+$/i;

export const isPlaceholder = (text: string | undefined): boolean =>
  text === undefined || text.trim() === "" || PLACEHOLDER.test(text);

/**
 * The setting when it is an address of this network; when it is missing or a placeholder, the address of the file, else a fresh one,
 * which is written there. Rejects with `bad-address` for a setting that was meant but mistyped: mining to nobody can't be undone.
 */
export async function miningAddress(
  setting: string | undefined,
  path: string,
  wallets: Wallets,
  prefixes: AddressPrefixes,
): Promise<MiningAddress> {
  const meant = setting?.trim();
  if (meant && (isAddress(meant, prefixes) || !isPlaceholder(meant)))
    return { address: checked(meant, "The mining address", prefixes), source: "setting" };
  const kept = await keptAddress(path);
  if (kept) return { address: checked(kept, path, prefixes), source: "file" };
  const wallet = await wallets.defaultWallet();
  const address = await wallet.newAddress({ label: "mining" });
  await replaceFile(path, `${address}\n`);
  return { address, source: "created" };
}

async function keptAddress(path: string): Promise<string | undefined> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  return text.trim() || undefined;
}

/** Asked before looking for placeholders: an address may hold such a word by chance. */
function isAddress(text: string, prefixes: AddressPrefixes): boolean {
  try {
    parseAddress(text, prefixes);
    return true;
  } catch {
    return false;
  }
}

function checked(address: string, where: string, prefixes: AddressPrefixes): string {
  try {
    parseAddress(address, prefixes);
    return address;
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    throw new WalletError("bad-address", `${where} is no address of this network: ${error.message}.`, { cause: error });
  }
}
