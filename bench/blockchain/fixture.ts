/**
 * Regtest chains that every implementation takes: real proof of work, real signatures. One key signs all; which one makes no difference to
 * who verifies. Blocks are kept serialized, as a peer would send them.
 */
import { createHash, randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import * as wasm from "tiny-secp256k1";
import { regtest } from "../../systems/blockchain/dist/consensus/params.js";
import { blockSubsidy } from "../../systems/blockchain/dist/consensus/subsidy.js";
import { meetsTarget } from "../../systems/blockchain/dist/consensus/target.js";
import type { SpendingTransaction } from "../../systems/blockchain/dist/consensus/verifier.js";
import { type BlockHeader, blockHash, encodeBlock } from "../../systems/blockchain/dist/primitives/block.js";
import { hash160, zeroHash } from "../../systems/blockchain/dist/primitives/hash.js";
import {
  txMerkleRoot,
  witnessCommitment,
  witnessCommitmentScript,
} from "../../systems/blockchain/dist/primitives/merkle.js";
import {
  hasWitness,
  type OutPoint,
  type Transaction,
  type TxOutput,
  txid,
} from "../../systems/blockchain/dist/primitives/transaction.js";
import { pushNumber, pushOf } from "../../systems/blockchain/dist/script/parse.js";
import { legacySignatureHash, segwitSignatureHash } from "../../systems/blockchain/dist/script/signature-hash.js";
import { Spending } from "../../systems/blockchain/dist/script/spending.js";
import { taprootSignatureHash } from "../../systems/blockchain/dist/script/taproot.js";
import { keyHashScript } from "../../systems/blockchain/dist/script/witness.js";

export const KINDS = ["p2pkh", "p2wpkh", "p2tr"] as const;
export type Kind = (typeof KINDS)[number];

/** What the bare library gets. */
export interface Signed {
  readonly isSchnorr: boolean;
  readonly hash: Buffer;
  readonly key: Buffer;
  readonly signature: Buffer;
}

export interface Spend extends SpendingTransaction {
  readonly signed: Signed;
}

interface Signer {
  ecdsaSign(message: Uint8Array, key: Uint8Array): { readonly signature: Uint8Array };
}

const signer: Signer = createRequire(import.meta.url)("secp256k1");
const privateKey = createHash("sha256").update("coracle bench").digest();
const publicKey = Buffer.from(wasm.pointFromScalar(privateKey, true) as Uint8Array);
const evenPrivateKey = publicKey[0] === 2 ? privateKey : Buffer.from(wasm.privateNegate(privateKey));

export const outputScripts: Readonly<Record<Kind, Buffer>> = {
  p2pkh: keyHashScript(hash160(publicKey)),
  p2wpkh: Buffer.concat([Buffer.from([0, 20]), hash160(publicKey)]),
  p2tr: Buffer.concat([Buffer.from([0x51, 32]), publicKey.subarray(1)]),
};
const kindOf = ({ script }: TxOutput): Kind => KINDS.find((kind) => outputScripts[kind].equals(script)) ?? "p2wpkh";

/** DER of a compact signature, with the hash type behind. */
function der(compact: Buffer): Buffer {
  const integer = (bytes: Buffer): Buffer => {
    let start = 0;
    while (start < 31 && bytes[start] === 0) start++;
    const digits = bytes.subarray(start);
    const positive = (digits[0] as number) & 0x80 ? Buffer.concat([Buffer.from([0]), digits]) : digits;
    return Buffer.concat([Buffer.from([2, positive.length]), positive]);
  };
  const body = Buffer.concat([integer(compact.subarray(0, 32)), integer(compact.subarray(32))]);
  return Buffer.concat([Buffer.from([0x30, body.length]), body, Buffer.from([1])]);
}

const inputOf = (prevout: OutPoint): Transaction["inputs"][number] => ({
  prevout,
  script: Buffer.alloc(0),
  sequence: 0xfffffffd,
  witness: [],
});

/** Signs a transaction of one input. */
export function signed(tx: Transaction, from: TxOutput): Spend {
  const kind = kindOf(from);
  const spent = [from];
  const spending = new Spending(tx, spent);
  const input = tx.inputs[0] as Transaction["inputs"][number];
  const withInput = (part: { script?: Buffer; witness?: Buffer[] }): Transaction => ({
    ...tx,
    inputs: [{ ...input, ...part }],
  });
  if (kind === "p2tr") {
    const hash = taprootSignatureHash(spending, { index: 0, hashType: 0 }) as Buffer;
    const signature = Buffer.from(wasm.signSchnorr(hash, evenPrivateKey));
    const bare = { isSchnorr: true, hash, key: publicKey.subarray(1), signature };
    return { tx: withInput({ witness: [signature] }), spent, signed: bare };
  }
  const code = outputScripts.p2pkh;
  const hash = kind === "p2wpkh" ? segwitSignatureHash(spending, 0, code, 1) : legacySignatureHash(tx, 0, code, 1);
  const signature = Buffer.from(signer.ecdsaSign(hash, privateKey).signature);
  const pushed = der(signature);
  const part =
    kind === "p2wpkh"
      ? { witness: [pushed, publicKey] }
      : { script: Buffer.concat([pushOf(pushed), pushOf(publicKey)]) };
  return { tx: withInput(part), spent, signed: { isSchnorr: false, hash, key: publicKey, signature } };
}

interface Coin {
  readonly prevout: OutPoint;
  readonly output: TxOutput;
}

/** One input, two outputs of the same kind, as payments mostly are. */
function payment({ prevout, output }: Coin): Spend {
  const value = Math.floor(output.value / 2);
  const to = { value, script: output.script };
  return signed({ version: 2, inputs: [inputOf(prevout)], outputs: [to, to], lockTime: 0 }, output);
}

/** Payments of coins that no chain has. */
export const makeSpends = (kind: Kind, count: number): Spend[] =>
  Array.from({ length: count }, () =>
    payment({ prevout: { hash: randomBytes(32), index: 0 }, output: { value: 3000, script: outputScripts[kind] } }),
  );

export interface ChainFixture {
  /** From height 1 on, serialized. */
  readonly blocks: Buffer[];
  /** What is signed in each block, and what the script verifier gets of it. */
  readonly spends: Spend[][];
}

export interface ChainPlan {
  /** Blocks with payments, after those that make the coins for them. */
  readonly blocks: number;
  readonly payments: number;
  /** Every how many blocks there are payments; in each unless given. */
  readonly every?: number;
  readonly kinds: readonly Kind[];
}

const COIN_OUTPUTS = 2000;
/** bcoin votes on segwit in periods of 144 blocks, for which Bitcoin's own regtest has it from the start. */
const EMPTY_BLOCKS = 3 * 144;
/** A second per block, up to a few minutes ago: bcoin gives nothing away until its tip is of the last day. */
const RECENT_SECONDS = 300;
/** Votes for segwit and for relative lock times. */
const VERSION = 0x20000003;

/** Makes a chain of `432 + coin blocks + plan.blocks` blocks. */
export function makeChain({ blocks: count, payments, every = 1, kinds }: ChainPlan): ChainFixture {
  const line: ChainFixture = { blocks: [], spends: [] };
  let parent = {
    hash: blockHash(regtest.genesis.header),
    height: 0,
    time: Math.floor(Date.now() / 1000) - RECENT_SECONDS - EMPTY_BLOCKS - 2 * count,
  };
  const coinbases: Coin[] = [];
  const free: Coin[] = [];
  const add = (spends: readonly Spend[]): void => {
    const height = parent.height + 1;
    const transactions = withCoinbase(
      height,
      spends.map(({ tx }) => tx),
    );
    const header = solve(parent, transactions);
    line.blocks.push(encodeBlock({ header, transactions }));
    line.spends.push([...spends]);
    parent = { hash: blockHash(header), height, time: header.time };
    coinbases.push({ prevout: { hash: txid(transactions[0]!), index: 0 }, output: transactions[0]!.outputs[0]! });
    for (const { tx } of spends) {
      for (const [index, output] of tx.outputs.entries()) free.push({ prevout: { hash: txid(tx), index }, output });
    }
  };
  for (let i = 0; i < EMPTY_BLOCKS; i++) add([]);
  // Half of what is spent was made long before, half in the block before.
  const old = Math.max(COIN_OUTPUTS, blocksOfCoins(count * payments));
  for (let made = 0; made < old; made += COIN_OUTPUTS) add([fanOut(coinbases.shift()!, kinds)]);
  for (let i = 0; i < count; i++) {
    const from = takeBothEnds(free, i % every === 0 ? payments : 0);
    add(from.map(payment));
  }
  return line;
}

const blocksOfCoins = (inputs: number): number => Math.ceil(inputs / 2 / COIN_OUTPUTS) * COIN_OUTPUTS;

function takeBothEnds(free: Coin[], count: number): Coin[] {
  const late = free.splice(Math.max(0, free.length - Math.ceil(count / 2)));
  const early = free.splice(0, count - late.length);
  return [...early, ...late];
}

function fanOut({ prevout, output }: Coin, kinds: readonly Kind[]): Spend {
  const value = Math.floor(output.value / COIN_OUTPUTS);
  const outputs = Array.from({ length: COIN_OUTPUTS }, (_, i) => ({
    value,
    script: outputScripts[kinds[i % kinds.length]!],
  }));
  return signed({ version: 2, inputs: [inputOf(prevout)], outputs, lockTime: 0 }, output);
}

function withCoinbase(height: number, others: readonly Transaction[]): Transaction[] {
  const isWitness = others.some(hasWitness);
  const input = {
    prevout: { hash: zeroHash, index: 0xffffffff },
    script: Buffer.concat([pushNumber(height), Buffer.from([0, 0])]),
    sequence: 0xffffffff,
    witness: isWitness ? [Buffer.alloc(32)] : [],
  };
  const outputs: TxOutput[] = [{ value: blockSubsidy(regtest, height), script: outputScripts.p2wpkh }];
  const plain: Transaction = { version: 2, inputs: [input], outputs, lockTime: 0 };
  if (!isWitness) return [plain, ...others];
  const script = witnessCommitmentScript(witnessCommitment([plain, ...others]));
  return [{ ...plain, outputs: [...outputs, { value: 0, script }] }, ...others];
}

function solve(parent: { hash: Buffer; time: number }, transactions: readonly Transaction[]): BlockHeader {
  const merkleRoot = txMerkleRoot(transactions).root;
  for (let nonce = 0; ; nonce++) {
    const header = {
      version: VERSION,
      previous: parent.hash,
      merkleRoot,
      time: parent.time + 1,
      bits: 0x207fffff,
      nonce,
    };
    if (meetsTarget(blockHash(header), header.bits, 0x207fffff)) return header;
  }
}
