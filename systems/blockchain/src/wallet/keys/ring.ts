/**
 * Every script of a wallet, by which payments are recognised. Each branch keeps scripts derived for `gapLimit` addresses beyond the last
 * one handed out or paid, so that a payment to an address that a copy of this wallet handed out is seen too.
 */
import { witnessScript } from "../../address/scripts.ts";
import { hash160 } from "../../primitives/hash.ts";
import { type BranchNumber, branchNumbers, type KeyPath, type Purpose, purposes } from "./account.ts";
import { type PublicNode, publicChild } from "./branch.ts";
import { tweakPublicKey, xOnly } from "./taproot.ts";

/** BIP 44 asks for at least 20; a shop hands out many addresses that are never paid. */
export const GAP_LIMIT = 100;

export interface Owned {
  readonly path: KeyPath;
  readonly publicKey: Buffer;
  readonly script: Buffer;
}

interface Branch {
  readonly node: PublicNode;
  readonly keys: Owned[];
  /** The lowest index never handed out and never paid. */
  next: number;
}

/** How many addresses of a branch were handed out; what a wallet file remembers. */
export type NextIndexes = Readonly<Record<Purpose, readonly [receive: number, change: number]>>;

export const noneHandedOut: NextIndexes = { 84: [0, 0], 86: [0, 0] };

export const scriptOfKey = (purpose: Purpose, publicKey: Buffer): Buffer =>
  purpose === 84 ? witnessScript(0, hash160(publicKey)) : witnessScript(1, tweakPublicKey(xOnly(publicKey)));

const scriptKey = (script: Buffer): string => script.toString("latin1");

export class KeyRing {
  readonly #branches: Readonly<Record<Purpose, readonly [Branch, Branch]>>;
  readonly #byScript = new Map<string, Owned>();
  readonly #byKey = new Map<string, Owned>();
  readonly #gapLimit: number;

  constructor(accounts: Readonly<Record<Purpose, PublicNode>>, next: NextIndexes, gapLimit = GAP_LIMIT) {
    this.#gapLimit = gapLimit;
    const branchOf = (purpose: Purpose, branch: BranchNumber): Branch => ({
      node: publicChild(accounts[purpose], branch),
      keys: [],
      next: next[purpose][branch],
    });
    this.#branches = {
      84: [branchOf(84, 0), branchOf(84, 1)],
      86: [branchOf(86, 0), branchOf(86, 1)],
    };
    for (const purpose of purposes) for (const branch of branchNumbers) this.#lookAhead(purpose, branch);
  }

  /** Whose key a scriptPubKey pays to. */
  ownerOf(script: Buffer): Owned | undefined {
    // All scripts of ours are witness programs of these two lengths.
    if (script.length !== 22 && script.length !== 34) return undefined;
    return this.#byScript.get(scriptKey(script));
  }

  /** Ours, if a public key is; compressed, or without its sign as taproot has them. */
  ownerOfKey(publicKey: Buffer): Owned | undefined {
    return this.#byKey.get(xOnly(publicKey).toString("latin1"));
  }

  /** The key that `handOut` would give. */
  peek(purpose: Purpose, branch: BranchNumber): Owned {
    const { keys, next } = this.#branches[purpose][branch];
    return keys[next]!;
  }

  /** The next unused key of a branch; it is not given out twice. */
  handOut(purpose: Purpose, branch: BranchNumber): Owned {
    const owned = this.peek(purpose, branch);
    this.markUsed(owned.path);
    return owned;
  }

  /** Notes that a key was handed out or paid. Tells whether that is news, and so scripts were added. */
  markUsed({ purpose, branch, index }: KeyPath): boolean {
    const known = this.#branches[purpose][branch];
    if (index < known.next) return false;
    known.next = index + 1;
    this.#lookAhead(purpose, branch);
    return true;
  }

  at({ purpose, branch, index }: KeyPath): Owned | undefined {
    return this.#branches[purpose][branch].keys[index];
  }

  /** Every key handed out or paid. */
  *handedOut(): Iterable<Owned> {
    for (const purpose of purposes)
      for (const branch of branchNumbers) {
        const { keys, next } = this.#branches[purpose][branch];
        yield* keys.slice(0, next);
      }
  }

  /** The derived keys of a branch from an index on, the looked-ahead ones included; grows while it is read. */
  *derived(purpose: Purpose, branch: BranchNumber): Iterable<Owned> {
    const { keys } = this.#branches[purpose][branch];
    for (let index = 0; index < keys.length; index++) yield keys[index]!;
  }

  next(): NextIndexes {
    const of = (purpose: Purpose): readonly [number, number] => [
      this.#branches[purpose][0].next,
      this.#branches[purpose][1].next,
    ];
    return { 84: of(84), 86: of(86) };
  }

  #lookAhead(purpose: Purpose, branch: BranchNumber): void {
    const { node, keys, next } = this.#branches[purpose][branch];
    while (keys.length < next + this.#gapLimit) {
      const path = { purpose, branch, index: keys.length };
      const { publicKey } = publicChild(node, path.index);
      const owned = { path, publicKey, script: scriptOfKey(purpose, publicKey) };
      keys.push(owned);
      this.#byScript.set(scriptKey(owned.script), owned);
      this.#byKey.set(xOnly(publicKey).toString("latin1"), owned);
    }
  }
}
