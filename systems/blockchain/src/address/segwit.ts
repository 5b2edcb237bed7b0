/** Segwit addresses: bech32 for version 0 (BIP 173), bech32m for all others (BIP 350). */
import { bech32, bech32m } from "@scure/base";
import { AddressError } from "./errors.ts";

/** BIP 173: an address has at most 90 characters. */
const LONGEST = 90;

export interface WitnessProgram {
  /** 0 to 16. */
  readonly version: number;
  /** 2 to 40 bytes; 20 or 32 for version 0. */
  readonly program: Buffer;
}

export function encodeSegwit(prefix: string, { version, program }: WitnessProgram): string {
  const coder = version === 0 ? bech32 : bech32m;
  return coder.encode(prefix, [version, ...coder.toWords(program)], LONGEST);
}

/** Throws `AddressError` for a wrong checksum, network, version, length or encoding. */
export function decodeSegwit(prefix: string, text: string): WitnessProgram {
  if (text.length > LONGEST) throw new AddressError("it is too long for a segwit address");
  const [v0, later] = [bech32.decodeUnsafe(text, LONGEST), bech32m.decodeUnsafe(text, LONGEST)];
  const decoded = v0 ?? later;
  if (!decoded) throw new AddressError("its bech32 checksum is wrong: a character is wrong or missing");
  if (decoded.prefix !== prefix)
    throw new AddressError(`it is for the network ${decoded.prefix}, where this is ${prefix}`);
  const [version, ...words] = decoded.words;
  if (version === undefined) throw new AddressError("it holds no data");
  if (version > 16) throw new AddressError(`its witness version ${version} does not exist`);
  if ((version === 0) !== (v0 !== undefined))
    throw new AddressError(`witness version ${version} is written in ${version === 0 ? "bech32" : "bech32m"}`);
  const bytes = bech32.fromWordsUnsafe(words);
  if (!bytes) throw new AddressError("its padding is wrong");
  const program = Buffer.from(bytes);
  checkLength(version, program.length);
  return { version, program };
}

function checkLength(version: number, length: number): void {
  if (length < 2 || length > 40) throw new AddressError(`a witness program of ${length} bytes does not exist`);
  if (version === 0 && length !== 20 && length !== 32)
    throw new AddressError(`a witness program of version 0 has 20 or 32 bytes, not ${length}`);
}
