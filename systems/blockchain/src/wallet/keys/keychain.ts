/**
 * The private half of a wallet: its secret at rest, and its accounts' private keys while it is unlocked. What is in memory is zeroed when
 * it locks; strings (the passphrase as it came, the words as they are shown) can not be, and are not kept.
 */
import type { HDKey } from "@scure/bip32";
import { WalletError } from "../errors.ts";
import { boundTo, decodeSecret, encodeSecret, type Unsealed, type WalletRecord } from "../file/document.ts";
import { type Cost, defaultCost, type Sealed, seal, unseal } from "../file/seal.ts";
import { deriveAccounts, type ExtendedVersions, type KeyPath, type Purpose } from "./account.ts";
import { mnemonicOf, seedOf } from "./mnemonic.ts";

/** As Bitcoin Core: about three years. */
const LONGEST_UNLOCK_SECONDS = 100_000_000;
/** The longest that a timer of the platform waits. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface KeychainOptions {
  readonly network: string;
  readonly coinType: number;
  readonly versions: ExtendedVersions;
  /** Milliseconds. */
  readonly now: () => number;
  readonly cost?: Cost | undefined;
}

/** What is in memory while signing is possible. */
interface Open {
  readonly secret: Buffer;
  readonly accounts: Readonly<Record<Purpose, HDKey>>;
}

export type PublicFacts = Pick<WalletRecord, "secret" | "fingerprint" | "accounts">;

export class Keychain {
  readonly #options: KeychainOptions;
  readonly #facts: Pick<WalletRecord, "fingerprint" | "accounts">;
  #secret: Sealed | Unsealed;
  #open: Open | undefined;
  #until = 0;
  #timer: NodeJS.Timeout | undefined;

  private constructor(facts: PublicFacts, options: KeychainOptions) {
    this.#options = options;
    this.#facts = { fingerprint: facts.fingerprint, accounts: facts.accounts };
    this.#secret = facts.secret;
  }

  /** A keychain of a file's record; open at once when there is no passphrase. */
  static async load(facts: PublicFacts, options: KeychainOptions): Promise<Keychain> {
    const keychain = new Keychain(facts, options);
    if (facts.secret.kind === "plain") await keychain.#openWith(Buffer.from(facts.secret.secret, "hex"));
    return keychain;
  }

  /** What the file keeps of a fresh or restored wallet. `entropy` is zeroed. */
  static async create(
    secret: { readonly entropy: Buffer; readonly extension: string; readonly passphrase: string | undefined },
    options: KeychainOptions,
  ): Promise<PublicFacts> {
    const bytes = encodeSecret(secret.entropy, secret.extension);
    const seed = await seedOf(secret.entropy, secret.extension);
    const { fingerprint, accounts } = deriveAccounts(seed, options.coinType, options.versions);
    const facts = {
      fingerprint: fingerprint.toString("hex"),
      accounts: { "84": accounts[84].publicExtendedKey, "86": accounts[86].publicExtendedKey },
    };
    const kept = await keep(bytes, secret.passphrase, boundTo(options.network, facts), options.cost);
    for (const account of [accounts[84], accounts[86]]) account.wipePrivateData();
    for (const buffer of [seed, bytes, secret.entropy]) buffer.fill(0);
    return { ...facts, secret: kept };
  }

  get record(): PublicFacts {
    return { ...this.#facts, secret: this.#secret };
  }

  get encrypted(): boolean {
    return this.#secret.kind !== "plain";
  }

  /** Seconds since 1970; 0 while locked, undefined without a passphrase. */
  get unlockedUntil(): number | undefined {
    if (!this.encrypted) return undefined;
    return this.#isOpen() ? Math.floor(this.#until / 1000) : 0;
  }

  async unlock(passphrase: string, seconds: number): Promise<void> {
    if (!(seconds > 0)) throw new WalletError("bad-argument", "the time for which to unlock is a number of seconds");
    const secret = await unseal(this.#sealed(), passphrase, this.#bound());
    const forMs = Math.min(seconds, LONGEST_UNLOCK_SECONDS) * 1000;
    await this.#openWith(secret);
    this.#until = this.#options.now() + forMs;
    this.#arm(forMs);
  }

  /** Forgets the private keys, unless nothing could bring them back. */
  lock(): void {
    clearTimeout(this.#timer);
    if (!this.encrypted) return;
    this.#until = 0;
    this.#wipe();
  }

  /** The record with a secret sealed by a passphrase; `adopt` it once it is on disk. */
  async sealedBy(passphrase: string): Promise<Sealed> {
    return seal(this.#opened().secret, passphrase, this.#bound(), this.#options.cost ?? defaultCost);
  }

  /** As `sealedBy`, from the passphrase before. */
  async resealed(old: string, fresh: string): Promise<Sealed> {
    const secret = await unseal(this.#sealed(), old, this.#bound());
    const sealed = await seal(secret, fresh, this.#bound(), this.#options.cost ?? defaultCost);
    secret.fill(0);
    return sealed;
  }

  /** Takes a sealed secret that was written, and locks. */
  adopt(sealed: Sealed): void {
    this.#secret = sealed;
    this.lock();
  }

  mnemonic(): string {
    return mnemonicOf(decodeSecret(this.#opened().secret).entropy);
  }

  /** Calls with the private key of a path, and zeroes it after. Throws `locked`. */
  withKey<T>({ purpose, branch, index }: KeyPath, use: (privateKey: Buffer) => T): T {
    const parent = this.#opened().accounts[purpose].deriveChild(branch);
    const leaf = parent.deriveChild(index);
    const privateKey = Buffer.from(leaf.privateKey!);
    try {
      return use(privateKey);
    } finally {
      privateKey.fill(0);
      leaf.wipePrivateData();
      parent.wipePrivateData();
    }
  }

  /** Throws `locked` when nothing can be signed now. */
  requireOpen(): void {
    this.#opened();
  }

  /** Ends the timer and forgets the keys. */
  close(): void {
    clearTimeout(this.#timer);
    this.#wipe();
  }

  #opened(): Open {
    if (!this.#open || !this.#isOpen())
      throw new WalletError(
        "locked",
        "Please enter the wallet passphrase with walletpassphrase first: the wallet is locked.",
      );
    return this.#open;
  }

  /** The clock decides, not the timer: a process that slept through its time-out is locked when it wakes. */
  #isOpen(): boolean {
    return this.#open !== undefined && (!this.encrypted || this.#options.now() < this.#until);
  }

  #sealed(): Sealed {
    if (this.#secret.kind === "plain")
      throw new WalletError("not-encrypted", "The wallet has no passphrase; give it one with encryptwallet.");
    return this.#secret;
  }

  #bound(): string {
    return boundTo(this.#options.network, this.#facts);
  }

  async #openWith(secret: Buffer): Promise<void> {
    const { entropy, extension } = decodeSecret(secret);
    const seed = await seedOf(entropy, extension);
    const { accounts, fingerprint } = deriveAccounts(seed, this.#options.coinType, this.#options.versions);
    seed.fill(0);
    if (fingerprint.toString("hex") !== this.#facts.fingerprint || !this.#fits(accounts))
      throw new WalletError(
        "bad-file",
        "The wallet's secret does not belong to its public keys: the file was altered.",
      );
    this.#wipe();
    this.#open = { secret, accounts };
  }

  #fits(accounts: Open["accounts"]): boolean {
    const known = this.#facts.accounts;
    return accounts[84].publicExtendedKey === known["84"] && accounts[86].publicExtendedKey === known["86"];
  }

  #arm(forMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.lock(), Math.min(forMs, LONGEST_TIMER_MS)).unref();
  }

  #wipe(): void {
    this.#open?.secret.fill(0);
    this.#open?.accounts[84].wipePrivateData();
    this.#open?.accounts[86].wipePrivateData();
    this.#open = undefined;
  }
}

async function keep(secret: Buffer, passphrase: string | undefined, bound: string, cost?: Cost) {
  if (passphrase === undefined) return { kind: "plain", secret: secret.toString("hex") } as const;
  return seal(secret, passphrase, bound, cost ?? defaultCost);
}
