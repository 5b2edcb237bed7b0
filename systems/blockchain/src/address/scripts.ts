/** The scriptPubKeys that have an address, built and taken apart. */

/** What a script pays to. `witness` is a witness program of a version or length that has no meaning yet. */
export type Destination =
  | { readonly kind: "pubkeyhash" | "scripthash"; readonly hash: Buffer }
  | { readonly kind: "witness_v0_keyhash" | "witness_v0_scripthash" | "witness_v1_taproot"; readonly program: Buffer }
  | { readonly kind: "witness_unknown"; readonly version: number; readonly program: Buffer };

const OP_DUP = 0x76;
const OP_EQUAL = 0x87;
const OP_EQUALVERIFY = 0x88;
const OP_HASH160 = 0xa9;
const OP_CHECKSIG = 0xac;
/** OP_1 is 0x51; OP_0 stands apart. */
const OP_1 = 0x51;

const push = (bytes: Buffer): Buffer => Buffer.concat([Buffer.of(bytes.length), bytes]);

export const pubKeyHashScript = (hash: Buffer): Buffer =>
  Buffer.concat([Buffer.of(OP_DUP, OP_HASH160), push(hash), Buffer.of(OP_EQUALVERIFY, OP_CHECKSIG)]);

export const scriptHashScript = (hash: Buffer): Buffer =>
  Buffer.concat([Buffer.of(OP_HASH160), push(hash), Buffer.of(OP_EQUAL)]);

export const witnessScript = (version: number, program: Buffer): Buffer =>
  Buffer.concat([Buffer.of(version === 0 ? 0 : OP_1 + version - 1), push(program)]);

export function scriptOf(to: Destination): Buffer {
  switch (to.kind) {
    case "pubkeyhash":
      return pubKeyHashScript(to.hash);
    case "scripthash":
      return scriptHashScript(to.hash);
    case "witness_v1_taproot":
      return witnessScript(1, to.program);
    case "witness_unknown":
      return witnessScript(to.version, to.program);
    default:
      return witnessScript(0, to.program);
  }
}

/** What a script pays to, or undefined when it has no address (bare keys, bare multisig, data). */
export function destinationOf(script: Buffer): Destination | undefined {
  if (isPubKeyHash(script)) return { kind: "pubkeyhash", hash: script.subarray(3, 23) };
  if (isScriptHash(script)) return { kind: "scripthash", hash: script.subarray(2, 22) };
  const witness = witnessOf(script);
  return witness && named(witness.version, witness.program);
}

const isPubKeyHash = (script: Buffer): boolean =>
  script.length === 25 &&
  script[0] === OP_DUP &&
  script[1] === OP_HASH160 &&
  script[2] === 20 &&
  script[23] === OP_EQUALVERIFY &&
  script[24] === OP_CHECKSIG;

const isScriptHash = (script: Buffer): boolean =>
  script.length === 23 && script[0] === OP_HASH160 && script[1] === 20 && script[22] === OP_EQUAL;

function witnessOf(script: Buffer): { readonly version: number; readonly program: Buffer } | undefined {
  const opcode = script[0];
  if (script.length < 4 || script.length > 42 || script[1] !== script.length - 2) return undefined;
  if (opcode === 0) return { version: 0, program: script.subarray(2) };
  if (opcode === undefined || opcode < OP_1 || opcode > OP_1 + 15) return undefined;
  return { version: opcode - OP_1 + 1, program: script.subarray(2) };
}

/** Version 0 of a length that consensus forbids to spend has no address at all. */
export function named(version: number, program: Buffer): Destination | undefined {
  if (version === 0 && program.length === 20) return { kind: "witness_v0_keyhash", program };
  if (version === 0 && program.length === 32) return { kind: "witness_v0_scripthash", program };
  if (version === 0) return undefined;
  if (version === 1 && program.length === 32) return { kind: "witness_v1_taproot", program };
  return { kind: "witness_unknown", version, program };
}
