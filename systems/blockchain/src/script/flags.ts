/** Which rules a script is checked by, under Bitcoin Core's names, as bits of one number. */
import { BlockchainError } from "../errors.ts";

export const scriptFlag = {
  /** BIP 16. */
  P2SH: 1 << 0,
  /** Signatures and public keys in their defined encodings. */
  STRICTENC: 1 << 1,
  /** BIP 66. */
  DERSIG: 1 << 2,
  LOW_S: 1 << 3,
  /** BIP 147. */
  NULLDUMMY: 1 << 4,
  SIGPUSHONLY: 1 << 5,
  MINIMALDATA: 1 << 6,
  DISCOURAGE_UPGRADABLE_NOPS: 1 << 7,
  CLEANSTACK: 1 << 8,
  /** BIP 65. */
  CHECKLOCKTIMEVERIFY: 1 << 9,
  /** BIP 112. */
  CHECKSEQUENCEVERIFY: 1 << 10,
  /** BIP 141. */
  WITNESS: 1 << 11,
  DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM: 1 << 12,
  MINIMALIF: 1 << 13,
  NULLFAIL: 1 << 14,
  WITNESS_PUBKEYTYPE: 1 << 15,
  CONST_SCRIPTCODE: 1 << 16,
  /** BIP 341 and 342. */
  TAPROOT: 1 << 17,
  DISCOURAGE_UPGRADABLE_TAPROOT_VERSION: 1 << 18,
  DISCOURAGE_OP_SUCCESS: 1 << 19,
  DISCOURAGE_UPGRADABLE_PUBKEYTYPE: 1 << 20,
} as const;

export type ScriptFlagName = keyof typeof scriptFlag;

const all = (...names: readonly ScriptFlagName[]): number => names.reduce((bits, name) => bits | scriptFlag[name], 0);

/** What every block must obey: all of Bitcoin's soft forks, which both networks have from their first block. */
export const consensusFlags: number = all(
  "P2SH",
  "DERSIG",
  "NULLDUMMY",
  "CHECKLOCKTIMEVERIFY",
  "CHECKSEQUENCEVERIFY",
  "WITNESS",
  "TAPROOT",
);

/** What a transaction must obey to be relayed: consensus, and what keeps its ids from being changed and room for later rules. */
export const standardFlags: number =
  consensusFlags |
  all(
    "STRICTENC",
    "LOW_S",
    "MINIMALDATA",
    "DISCOURAGE_UPGRADABLE_NOPS",
    "CLEANSTACK",
    "MINIMALIF",
    "NULLFAIL",
    "DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM",
    "WITNESS_PUBKEYTYPE",
    "CONST_SCRIPTCODE",
    "DISCOURAGE_UPGRADABLE_TAPROOT_VERSION",
    "DISCOURAGE_OP_SUCCESS",
    "DISCOURAGE_UPGRADABLE_PUBKEYTYPE",
  );

const isName = (name: string): name is ScriptFlagName => Object.hasOwn(scriptFlag, name);

/** Flags of a comma-separated list such as `P2SH,WITNESS`; `NONE` and the empty text are none. */
export function parseFlags(text: string): number {
  const names = text.split(",").filter((name) => name !== "" && name !== "NONE");
  return names.reduce((bits, name) => {
    if (!isName(name)) throw new BlockchainError("bad-argument", `unknown script flag ${name}`);
    return bits | scriptFlag[name];
  }, 0);
}
