/** All wallets of a node: the file, and those of its wallets that follow the chain. */
import { randomBytes, randomInt } from "node:crypto";
import type { WalletConfig } from "./config.ts";
import { WalletError } from "./errors.ts";
import type { WalletRecord } from "./file/document.ts";
import { replaceFile } from "./file/durable.ts";
import { encodeWallets } from "./file/format.ts";
import { readWallets, WalletFile } from "./file/store.ts";
import { accountNode } from "./keys/account.ts";
import { Keychain, type KeychainOptions } from "./keys/keychain.ts";
import { entropyBytes, entropyOf } from "./keys/mnemonic.ts";
import { KeyRing, noneHandedOut } from "./keys/ring.ts";
import type { CreateWalletOptions, WalletEvent, Wallets } from "./types.ts";
import { ChainWallet } from "./wallet.ts";

export const DEFAULT_WALLET = "default";
const LONGEST_NAME = 100;
const MOST_WALLETS = 100;

/** Opens a node's wallet file and has its loaded wallets follow the chain. Rejects with `bad-file`. */
export async function openWallets(path: string, config: WalletConfig): Promise<ChainWallets> {
  const file = await WalletFile.open(path, config.network.name);
  const wallets = new ChainWallets(file, config);
  try {
    for (const { name, loaded } of file.records) if (loaded) await wallets.load(name);
  } catch (error) {
    await wallets.close();
    throw error;
  }
  return wallets;
}

export class ChainWallets implements Wallets {
  readonly #file: WalletFile;
  readonly #config: WalletConfig;
  readonly #loaded = new Map<string, ChainWallet>();
  readonly #listeners = new Set<(event: WalletEvent) => void>();
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(file: WalletFile, config: WalletConfig) {
    this.#file = file;
    this.#config = { random: (n) => randomInt(n), ...config };
  }

  names(): readonly string[] {
    return this.#file.records.map(({ name }) => name);
  }

  loaded(): readonly ChainWallet[] {
    return [...this.#loaded.values()];
  }

  get(name: string): ChainWallet | undefined {
    return this.#loaded.get(name);
  }

  create(name: string, options: CreateWalletOptions = {}): Promise<ChainWallet> {
    return this.#inTurn(async () => {
      this.#requireFree(name);
      if (options.passphrase === "") throw new WalletError("bad-passphrase", "passphrase cannot be empty");
      const entropy =
        options.mnemonic === undefined
          ? randomBytes(entropyBytes(options.mnemonicWords ?? 12))
          : entropyOf(options.mnemonic);
      const secret = { entropy, extension: options.mnemonicPassphrase ?? "", passphrase: options.passphrase };
      const facts = await Keychain.create(secret, this.#keychainOptions());
      // Genesis even for fresh keys: a deep reorganisation may put a payment below today's tip, and the index makes a full look cheap.
      return this.#add({ ...blank(name, options.birthday ?? 0), ...facts });
    });
  }

  restore(name: string, backupPath: string): Promise<ChainWallet> {
    return this.#inTurn(async () => {
      this.#requireFree(name);
      const document = await readWallets(backupPath);
      if (!document) throw new WalletError("not-found", `${backupPath} does not exist.`);
      if (document.network !== this.#config.network.name)
        throw new WalletError("bad-file", `The backup is of the network ${document.network}.`);
      const [record, ...others] = document.wallets;
      if (!record || others.length > 0)
        throw new WalletError("bad-file", `A backup holds one wallet; this file holds ${document.wallets.length}.`);
      return this.#add({ ...record, name, loaded: true });
    });
  }

  load(name: string): Promise<ChainWallet> {
    return this.#inTurn(async () => {
      if (this.#loaded.has(name)) throw new WalletError("exists", `Wallet "${name}" is already loaded.`);
      const record = this.#file.records.find((one) => one.name === name);
      if (!record)
        throw new WalletError(
          "not-found",
          `There is no wallet "${name}". There are: ${this.names().join(", ") || "none"}.`,
        );
      if (!record.loaded) await this.#file.put({ ...record, loaded: true });
      return this.#start(record);
    });
  }

  unload(name: string): Promise<void> {
    return this.#inTurn(async () => {
      const wallet = this.#loaded.get(name);
      if (!wallet) throw new WalletError("not-found", "Requested wallet does not exist or is not loaded");
      await wallet.stop();
      await this.#file.put({ ...wallet.record(), loaded: false });
      this.#loaded.delete(name);
    });
  }

  async defaultWallet(): Promise<ChainWallet> {
    const known = this.get(DEFAULT_WALLET);
    if (known) return known;
    return this.names().includes(DEFAULT_WALLET) ? this.load(DEFAULT_WALLET) : this.create(DEFAULT_WALLET);
  }

  subscribe(listener: (event: WalletEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Saves and stops every wallet. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#turn.catch(() => undefined);
    for (const wallet of this.#loaded.values()) {
      await wallet.stop();
      await this.#file.put(wallet.record());
    }
    await this.#file.close();
    this.#loaded.clear();
    this.#listeners.clear();
  }

  #requireFree(name: string): void {
    if (name.length === 0 || name.length > LONGEST_NAME || !/^[\p{L}\p{N} _.-]+$/u.test(name))
      throw new WalletError(
        "bad-argument",
        `A wallet's name has 1 to ${LONGEST_NAME} letters, digits, blanks, dots, dashes or underscores.`,
      );
    if (this.names().includes(name)) throw new WalletError("exists", `Wallet "${name}" exists already.`);
    if (this.names().length >= MOST_WALLETS)
      throw new WalletError("bad-argument", `A node holds at most ${MOST_WALLETS} wallets.`);
  }

  async #add(record: WalletRecord): Promise<ChainWallet> {
    await this.#file.put(record);
    return this.#start(record);
  }

  async #start(record: WalletRecord): Promise<ChainWallet> {
    const { network } = this.#config;
    const versions = { public: network.base58.extPublic, private: network.base58.extPrivate };
    const accounts = {
      84: accountNode(record.accounts["84"], versions),
      86: accountNode(record.accounts["86"], versions),
    };
    const wallet = new ChainWallet({
      config: this.#config,
      record,
      keychain: await Keychain.load(record, this.#keychainOptions()),
      ring: new KeyRing(accounts, record.next, this.#config.gapLimit),
      save: (changed) => this.#file.put(changed),
      backup: (changed, path) => replaceFile(path, encodeWallets({ network: network.name, wallets: [changed] })),
      onEvent: (event) => this.#emit(event),
    });
    try {
      await wallet.start();
    } catch (error) {
      await wallet.stop();
      throw error;
    }
    this.#loaded.set(record.name, wallet);
    return wallet;
  }

  #keychainOptions(): KeychainOptions {
    const { network, now, cost } = this.#config;
    const versions = { public: network.base58.extPublic, private: network.base58.extPrivate };
    return { network: network.name, coinType: network.coinType, versions, now, cost };
  }

  #emit(event: WalletEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        this.#config.onError?.("a listener to wallets failed", error);
      }
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new WalletError("closed", "The node is stopping.");
    const turn = this.#turn.catch(() => undefined).then(work);
    this.#turn = turn;
    return turn;
  }
}

const blank = (name: string, birthday: number): Omit<WalletRecord, "secret" | "fingerprint" | "accounts"> => ({
  name,
  loaded: true,
  birthday,
  next: noneHandedOut,
  labels: {},
  lockedCoins: [],
  unconfirmed: [],
  notes: [],
});
