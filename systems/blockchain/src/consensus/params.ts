/**
 * The networks. `regtest` is Bitcoin's, to the byte, so that other implementations join it. `devnet` has the same rules with its own
 * genesis and magic, and a difficulty that follows the hash rate.
 */
import { type Block, blockHash } from "../primitives/block.ts";
import { zeroHash } from "../primitives/hash.ts";
import { txMerkleRoot } from "../primitives/merkle.ts";
import type { Transaction } from "../primitives/transaction.ts";

export type NetworkName = "regtest" | "devnet";

/** How a block's target follows from its ancestors. */
export type DifficultyRule =
  /** Every block has the target of genesis. */
  | { readonly kind: "fixed" }
  /** See `pow.ts`. */
  | { readonly kind: "follow"; readonly halfLifeBlocks: number; readonly longestStepSeconds: number };

export interface Network {
  readonly name: NetworkName;
  /** The first four bytes of every message between peers. */
  readonly magic: Buffer;
  /** Bitcoin's own port for the network; the deployment's manifests use 2001. */
  readonly defaultPort: number;
  readonly genesis: Block;
  readonly genesisHash: Buffer;
  /** The easiest target, in compact form. */
  readonly powLimitBits: number;
  readonly difficulty: DifficultyRule;
  readonly targetSpacingSeconds: number;
  /** How far a header's time may be ahead of this node's clock. */
  readonly maxFutureSeconds: number;
  readonly halvingInterval: number;
  /** Blocks on top of a coinbase until it may be spent, its own included: 100 as in Bitcoin. */
  readonly coinbaseMaturity: number;
  readonly bech32Hrp: string;
  readonly base58: {
    readonly pubKeyHash: number;
    readonly scriptHash: number;
    readonly secretKey: number;
    readonly extPublic: number;
    readonly extPrivate: number;
  };
  /** The coin type of BIP 44 paths: 1, as all test networks share. */
  readonly coinType: number;
}

const satoshisKey = Buffer.from(
  "04678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5f",
  "hex",
);
const opChecksig = 0xac;

/** A coinbase as genesis has it: the bits of the main network, the number 4 and a text in its input. */
function genesisCoinbase(text: string, outputScript: Buffer): Transaction {
  const message = Buffer.from(text, "latin1");
  return {
    version: 1,
    inputs: [
      {
        prevout: { hash: zeroHash, index: 0xffffffff },
        script: Buffer.concat([Buffer.from("04ffff001d0104", "hex"), pushPrefix(message.length), message]),
        sequence: 0xffffffff,
        witness: [],
      },
    ],
    outputs: [{ value: 50e8, script: outputScript }],
    lockTime: 0,
  };
}

const pushPrefix = (size: number): Buffer => Buffer.from(size < 0x4c ? [size] : [0x4c, size]);

function genesisBlock(coinbase: Transaction, time: number, bits: number, nonce: number): Block {
  const { root } = txMerkleRoot([coinbase]);
  return { header: { version: 1, previous: zeroHash, merkleRoot: root, time, bits, nonce }, transactions: [coinbase] };
}

const testPrefixes = {
  pubKeyHash: 111,
  scriptHash: 196,
  secretKey: 239,
  extPublic: 0x043587cf,
  extPrivate: 0x04358394,
} as const;

const regtestGenesis = genesisBlock(
  genesisCoinbase(
    "The Times 03/Jan/2009 Chancellor on brink of second bailout for banks",
    Buffer.concat([Buffer.from([satoshisKey.length]), satoshisKey, Buffer.from([opChecksig])]),
  ),
  1296688602,
  0x207fffff,
  2,
);

export const regtest: Network = {
  name: "regtest",
  magic: Buffer.from("fabfb5da", "hex"),
  defaultPort: 18444,
  genesis: regtestGenesis,
  genesisHash: blockHash(regtestGenesis.header),
  powLimitBits: 0x207fffff,
  difficulty: { kind: "fixed" },
  targetSpacingSeconds: 600,
  maxFutureSeconds: 2 * 3600,
  halvingInterval: 150,
  coinbaseMaturity: 100,
  bech32Hrp: "bcrt",
  base58: testPrefixes,
  coinType: 1,
};

const devnetGenesis = genesisBlock(
  // OP_RETURN: what genesis pays can be spent by nobody on any network, here the script says so.
  genesisCoinbase("Coracle devnet: a block every ten seconds", Buffer.from([0x6a])),
  1735689600,
  0x1f00ffff,
  355_681,
);

export const devnet: Network = {
  name: "devnet",
  magic: Buffer.from("c0ac1ede", "hex"),
  defaultPort: 2001,
  genesis: devnetGenesis,
  genesisHash: blockHash(devnetGenesis.header),
  // 65,536 hashes on average: a fraction of a second for one worker, so that a new network starts at once.
  powLimitBits: 0x1f00ffff,
  difficulty: { kind: "follow", halfLifeBlocks: 20, longestStepSeconds: 120 },
  targetSpacingSeconds: 10,
  // Bitcoin's two hours would be 720 blocks here, enough to talk the difficulty down by clocks set ahead.
  maxFutureSeconds: 120,
  halvingInterval: 210_000,
  coinbaseMaturity: 100,
  bech32Hrp: "cdev",
  base58: testPrefixes,
  coinType: 1,
};

export const networks: Readonly<Record<NetworkName, Network>> = { regtest, devnet };
