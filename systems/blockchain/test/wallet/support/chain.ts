/** A chain and a mempool of a few lines, as wallets see them: no proof of work, no scripts checked, reorganised at will. */

import { type Block, blockHash } from "../../../src/primitives/block.ts";
import { hashKey } from "../../../src/primitives/hash.ts";
import { isCoinbase, outPointKey, type Transaction, txid } from "../../../src/primitives/transaction.ts";
import { WalletError } from "../../../src/wallet/errors.ts";
import type { ChainEvent, Placed, PoolEvent, WalletChain, WalletPool } from "../../../src/wallet/ports.ts";

export class TestChain implements WalletChain {
  readonly blocks: Block[] = [];
  readonly #listeners = new Set<(event: ChainEvent) => void>();
  #nonce = 0;
  #indexed: { readonly tip: Block; readonly history: ReadonlyMap<string, Placed[]> } | undefined;

  constructor() {
    this.blocks.push(this.#block([coinbase(Buffer.from([0x6a]), 0)]));
  }

  tip() {
    return { height: this.blocks.length - 1, hash: blockHash(this.blocks.at(-1)!.header) };
  }

  subscribe(listener: (event: ChainEvent) => void) {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  async transaction(id: Buffer) {
    return this.blocks.flatMap(({ transactions }) => transactions).find((one) => txid(one).equals(id));
  }

  async *historyOf(script: Buffer, fromHeight: number): AsyncGenerator<Placed> {
    for (const placed of this.#index().get(script.toString("latin1")) ?? [])
      if (placed.height >= fromHeight) yield placed;
  }

  /** Every script's transactions; made anew when the tip has changed. */
  #index(): ReadonlyMap<string, Placed[]> {
    const tip = this.blocks.at(-1)!;
    if (this.#indexed?.tip !== tip) this.#indexed = { tip, history: indexOf(this.blocks) };
    return this.#indexed.history;
  }

  /** A block on the tip that pays its reward to a script. */
  mine(to: Buffer, transactions: readonly Transaction[] = [], pool?: TestPool): Block {
    const block = this.#block([coinbase(to, ++this.#nonce), ...transactions]);
    this.blocks.push(block);
    const poolFirst = this.#nonce % 3 === 0;
    if (poolFirst) pool?.confirm(block);
    this.#emit("connected", block, this.blocks.length - 1);
    if (!poolFirst) pool?.confirm(block);
    return block;
  }

  /** Takes the tip off; its transactions return to the pool. */
  unwind(pool?: TestPool): Block {
    const block = this.blocks.pop()!;
    // Who hears of it first is nobody's promise.
    const poolFirst = this.#nonce % 2 === 0;
    if (poolFirst) pool?.restore(block, this);
    this.#emit("disconnected", block, this.blocks.length);
    if (!poolFirst) pool?.restore(block, this);
    return block;
  }

  contains(id: Buffer): boolean {
    return this.blocks.some(({ transactions }) => transactions.some((one) => txid(one).equals(id)));
  }

  #emit(kind: ChainEvent["kind"], block: Block, height: number): void {
    for (const listener of this.#listeners) listener({ kind, block, height, hash: blockHash(block.header) });
  }

  #block(transactions: readonly Transaction[]): Block {
    const previous = this.blocks.length > 0 ? blockHash(this.blocks.at(-1)!.header) : Buffer.alloc(32);
    const time = 1_700_000_000 + this.blocks.length * 600;
    const header = { version: 4, previous, merkleRoot: txid(transactions[0]!), time, bits: 0, nonce: ++this.#nonce };
    return { header, transactions };
  }
}

function indexOf(blocks: readonly Block[]): ReadonlyMap<string, Placed[]> {
  const history = new Map<string, Placed[]>();
  const scriptOf = new Map<string, string>();
  for (const [height, { header, transactions }] of blocks.entries())
    for (const [index, transaction] of transactions.entries()) {
      const placed = { transaction, height, index, blockHash: blockHash(header), blockTime: header.time };
      const scripts = new Set(transaction.inputs.flatMap(({ prevout }) => scriptOf.get(outPointKey(prevout)) ?? []));
      for (const [vout, output] of transaction.outputs.entries()) {
        scripts.add(output.script.toString("latin1"));
        scriptOf.set(outPointKey({ hash: txid(transaction), index: vout }), output.script.toString("latin1"));
      }
      for (const script of scripts) history.set(script, [...(history.get(script) ?? []), placed]);
    }
  return history;
}

export class TestPool implements WalletPool {
  readonly held = new Map<string, Transaction>();
  readonly #listeners = new Set<(event: PoolEvent) => void>();
  readonly #chain: TestChain | undefined;
  /** Set to have the next submission refused. */
  refuse: string | undefined;

  /** With a chain, nothing is taken whose inputs are neither there nor here. */
  constructor(chain?: TestChain) {
    this.#chain = chain;
  }

  transactions() {
    return this.held.values();
  }

  subscribe(listener: (event: PoolEvent) => void) {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Takes it, and throws out what it conflicts with. */
  async submit(transaction: Transaction): Promise<void> {
    if (this.refuse !== undefined) throw new WalletError("rejected", this.refuse);
    if (this.#chain && !this.#hasInputs(transaction, this.#chain))
      throw new WalletError("rejected", "bad-txns-inputs-missingorspent");
    this.#evictRivals(transaction, "replaced");
    this.add(transaction);
  }

  add(transaction: Transaction): void {
    const key = hashKey(txid(transaction));
    if (this.held.has(key)) return;
    this.held.set(key, transaction);
    this.#emit({ kind: "added", transaction });
  }

  drop(transaction: Transaction, reason: string): void {
    const key = hashKey(txid(transaction));
    if (!this.held.delete(key)) return;
    this.#emit({ kind: "removed", transaction, reason });
    for (const child of [...this.held.values()])
      if (child.inputs.some(({ prevout }) => hashKey(prevout.hash) === key)) this.drop(child, reason);
  }

  confirm(block: Block): void {
    for (const transaction of block.transactions) {
      const key = hashKey(txid(transaction));
      if (this.held.delete(key)) this.#emit({ kind: "removed", transaction, reason: "block" });
      this.#evictRivals(transaction, "conflict");
    }
  }

  restore(block: Block, chain: TestChain): void {
    for (const transaction of block.transactions)
      if (!isCoinbase(transaction) && this.#hasInputs(transaction, chain)) this.add(transaction);
    for (const transaction of [...this.held.values()])
      if (!this.#hasInputs(transaction, chain)) this.drop(transaction, "reorganisation");
  }

  feeRate() {
    return 10;
  }

  minimumFeeRate() {
    return 1;
  }

  #hasInputs(transaction: Transaction, chain: TestChain): boolean {
    return transaction.inputs.every(
      ({ prevout }) => this.held.has(hashKey(prevout.hash)) || chain.contains(prevout.hash),
    );
  }

  #evictRivals(transaction: Transaction, reason: string): void {
    const spent = new Set(transaction.inputs.map(({ prevout }) => outPointKey(prevout)));
    for (const rival of [...this.held.values()])
      if (rival !== transaction && rival.inputs.some(({ prevout }) => spent.has(outPointKey(prevout))))
        this.drop(rival, reason);
  }

  #emit(event: PoolEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

/** A reward of 50 coins; `nonce` makes each another. */
export function coinbase(script: Buffer, nonce: number, value = 50e8): Transaction {
  const marker = Buffer.alloc(8);
  marker.writeUInt32LE(nonce);
  return {
    version: 2,
    inputs: [
      { prevout: { hash: Buffer.alloc(32), index: 0xffffffff }, script: marker, sequence: 0xffffffff, witness: [] },
    ],
    outputs: [{ value, script }],
    lockTime: 0,
  };
}

/** A payment out of nowhere, as from a stranger; `nonce` makes each another. */
export function foreignPayment(outputs: Transaction["outputs"], nonce: number, sequence = 0xfffffffd): Transaction {
  const hash = Buffer.alloc(32, 7);
  hash.writeUInt32LE(nonce);
  return {
    version: 2,
    inputs: [{ prevout: { hash, index: 0 }, script: Buffer.alloc(0), sequence, witness: [Buffer.alloc(64)] }],
    outputs,
    lockTime: 0,
  };
}
