/** A wallet's addresses as people see them: with labels, which may name addresses of others too. */
import { addressOfScript, scriptOfAddress } from "../address/address.ts";
import { AddressError } from "../address/errors.ts";
import type { WalletNetwork } from "./config.ts";
import { WalletError } from "./errors.ts";
import { pathText, typeOf } from "./keys/account.ts";
import type { KeyRing, Owned } from "./keys/ring.ts";
import type { AddressRecord } from "./types.ts";

const LONGEST_LABEL = 255;
const MOST_LABELS = 100_000;

export class AddressBook {
  readonly #network: WalletNetwork;
  readonly #ring: KeyRing;
  readonly #labels: Map<string, string>;

  constructor(network: WalletNetwork, ring: KeyRing, labels: Readonly<Record<string, string>>) {
    this.#network = network;
    this.#ring = ring;
    this.#labels = new Map(Object.entries(labels));
  }

  labelOf(address: string): string | undefined {
    return this.#labels.get(address);
  }

  labels(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#labels);
  }

  /** Throws `bad-argument` when the label is too long or one too many. */
  label(address: string, label: string): void {
    if (label.length > LONGEST_LABEL)
      throw new WalletError("bad-argument", `Invalid label name: it has at most ${LONGEST_LABEL} characters`);
    if (this.#labels.size >= MOST_LABELS && !this.#labels.has(address))
      throw new WalletError("bad-argument", `A wallet holds at most ${MOST_LABELS} labels`);
    this.#labels.set(address, label);
  }

  addressOf(script: Buffer): string | undefined {
    return addressOfScript(script, this.#network);
  }

  /** The scriptPubKey that pays to an address. Throws `bad-address`. */
  scriptOf(address: string): Buffer {
    try {
      return scriptOfAddress(address, this.#network);
    } catch (error) {
      if (error instanceof AddressError)
        throw new WalletError("bad-address", `Invalid Bitcoin address: ${error.message}`, { cause: error });
      throw error;
    }
  }

  /** `paid` are the keys that ever received anything. */
  recordOf(owned: Owned, paid: ReadonlySet<Owned>): AddressRecord {
    const address = this.addressOf(owned.script)!;
    return {
      address,
      label: this.#labels.get(address),
      type: typeOf(owned.path.purpose),
      change: owned.path.branch === 1,
      path: pathText(this.#network.coinType, owned.path),
      publicKey: owned.publicKey,
      used: paid.has(owned),
    };
  }

  /** Ours, if the address is. Throws `bad-address`. */
  find(address: string): Owned | undefined {
    return this.#ring.ownerOf(this.scriptOf(address));
  }
}
