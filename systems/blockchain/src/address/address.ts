/** Addresses to scriptPubKeys and back, for one network. */
import { decodeBase58check, encodeBase58check } from "./base58check.ts";
import { AddressError } from "./errors.ts";
import type { AddressPrefixes } from "./prefixes.ts";
import { type Destination, destinationOf, named, scriptOf } from "./scripts.ts";
import { decodeSegwit, encodeSegwit } from "./segwit.ts";

const HASH_BYTES = 20;

/** Throws `AddressError` with what is wrong: a typing error, another network's address, or no address at all. */
export function parseAddress(text: string, prefixes: AddressPrefixes): Destination {
  const lower = text.toLowerCase();
  // A 1 separates the human-readable part, and base58 addresses of no network begin so.
  if (lower.startsWith(`${prefixes.bech32Hrp}1`)) return parseSegwit(text, prefixes);
  if (/^(bc|tb|bcrt)1/.test(lower))
    throw new AddressError(
      `it is for another network than this one, whose addresses begin with ${prefixes.bech32Hrp}1`,
    );
  return parseBase58(text, prefixes);
}

/** The scriptPubKey that pays to an address. Throws `AddressError`. */
export const scriptOfAddress = (text: string, prefixes: AddressPrefixes): Buffer =>
  scriptOf(parseAddress(text, prefixes));

/** The address of a scriptPubKey, or undefined when it has none. */
export function addressOfScript(script: Buffer, prefixes: AddressPrefixes): string | undefined {
  const destination = destinationOf(script);
  return destination && formatAddress(destination, prefixes);
}

export function formatAddress(to: Destination, prefixes: AddressPrefixes): string {
  switch (to.kind) {
    case "pubkeyhash":
      return encodeBase58check(prefixes.base58.pubKeyHash, to.hash);
    case "scripthash":
      return encodeBase58check(prefixes.base58.scriptHash, to.hash);
    case "witness_v1_taproot":
      return encodeSegwit(prefixes.bech32Hrp, { version: 1, program: to.program });
    case "witness_unknown":
      return encodeSegwit(prefixes.bech32Hrp, to);
    default:
      return encodeSegwit(prefixes.bech32Hrp, { version: 0, program: to.program });
  }
}

function parseSegwit(text: string, prefixes: AddressPrefixes): Destination {
  const { version, program } = decodeSegwit(prefixes.bech32Hrp, text);
  const destination = named(version, program);
  if (!destination) throw new AddressError("its witness program has no meaning");
  return destination;
}

function parseBase58(text: string, prefixes: AddressPrefixes): Destination {
  const { version, payload } = decodeBase58check(text);
  if (payload.length !== HASH_BYTES)
    throw new AddressError(`an address holds ${HASH_BYTES} bytes, this text ${payload.length}`);
  if (version === prefixes.base58.pubKeyHash) return { kind: "pubkeyhash", hash: payload };
  if (version === prefixes.base58.scriptHash) return { kind: "scripthash", hash: payload };
  throw new AddressError(`its version byte ${version} belongs to another network`);
}
