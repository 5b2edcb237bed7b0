/** Addresses and their labels. */
import { scriptOfAddress } from "../../address/address.ts";
import { AddressError } from "../../address/errors.ts";
import { destinationOf } from "../../address/scripts.ts";
import { WalletError } from "../../wallet/errors.ts";
import type { AddressRecord, AddressType, Wallet } from "../../wallet/types.ts";
import type { RpcContext, RpcMethod } from "../context.ts";
import { RpcError } from "../errors.ts";
import { optional, param, withDefault } from "../method.ts";
import { scriptType } from "../views/script.ts";
import { walletRow } from "./common.ts";

const addressType = withDefault(param.string("bech32 or bech32m"), "bech32");
const address = param.string("an address");

function typeOf(text: string): AddressType {
  if (text === "bech32" || text === "bech32m") return text;
  throw new RpcError("invalidAddressOrKey", `Unknown address type '${text}': wallets here have bech32 and bech32m`);
}

/** Core has no `*` as a label: it stands for all. */
function labelOf(text: string): string {
  if (text === "*") throw new RpcError("walletInvalidLabel", "Invalid label name");
  return text;
}

/** Everything known under a label, addresses of others too. */
const labelled = (wallet: Wallet, label: string): readonly AddressRecord[] =>
  wallet.addresses().filter((one) => !one.change && (one.label ?? "") === label);

function infoOf(wallet: Wallet, text: string, { chain }: RpcContext): object {
  const script = scriptOf(text, chain.network);
  const own = wallet.address(text);
  const to = destinationOf(script);
  const label = own && !own.change ? [own.label ?? ""] : [];
  return {
    address: text,
    scriptPubKey: script.toString("hex"),
    ismine: own !== undefined,
    solvable: own !== undefined,
    iswatchonly: false,
    isscript: to?.kind === "scripthash" || to?.kind === "witness_v0_scripthash" || to?.kind === "witness_v1_taproot",
    iswitness: scriptType(script).startsWith("witness"),
    ...(to &&
      "program" in to && { witness_version: witnessVersion(script), witness_program: to.program.toString("hex") }),
    ...(own && {
      pubkey: own.publicKey.toString("hex"),
      ischange: own.change,
      hdkeypath: own.path,
      hdmasterfingerprint: wallet.info().fingerprint,
    }),
    labels: label,
  };
}

const witnessVersion = (script: Buffer): number => (script[0] === 0 ? 0 : (script[0] as number) - 0x50);

function scriptOf(text: string, network: RpcContext["chain"]["network"]): Buffer {
  try {
    return scriptOfAddress(text, network);
  } catch (error) {
    if (error instanceof AddressError)
      throw new WalletError("bad-address", `Invalid address: ${error.message}`, { cause: error });
    throw error;
  }
}

export const addressMethods: readonly RpcMethod[] = [
  walletRow(
    "getnewaddress",
    "an address that was never handed out",
    { label: withDefault(param.string("a label"), ""), address_type: addressType },
    (wallet, values) => wallet.newAddress({ label: labelOf(values.label), type: typeOf(values.address_type) }),
  ),
  walletRow("getrawchangeaddress", "an address for change", { address_type: addressType }, (wallet, values) =>
    wallet.newChangeAddress(typeOf(values.address_type)),
  ),
  walletRow("getaddressinfo", "what the wallet knows of an address", { address }, (wallet, values, context) =>
    infoOf(wallet, values.address, context),
  ),
  walletRow("setlabel", "names an address", { address, label: param.string("its label") }, async (wallet, values) => {
    await wallet.setLabel(values.address, labelOf(values.label));
    return null;
  }),
  walletRow("listlabels", "all labels", { purpose: optional(param.string("ignored")) }, (wallet) =>
    [
      ...new Set(
        wallet
          .addresses()
          .filter(({ change }) => !change)
          .map(({ label }) => label ?? ""),
      ),
    ].sort(),
  ),
  walletRow("getaddressesbylabel", "the addresses of a label", { label: param.string("a label") }, (wallet, values) => {
    const found = labelled(wallet, labelOf(values.label));
    if (found.length === 0) throw new RpcError("walletInvalidLabel", `No addresses with label ${values.label}`);
    return Object.fromEntries(found.map((one) => [one.address, { purpose: "receive" }]));
  }),
];
