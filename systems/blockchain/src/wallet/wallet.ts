/** One wallet: its keys, what it knows of the chain, and what it keeps in the file. */
import { hashFromText, hashKey, hashText } from "../primitives/hash.ts";
import { AddressBook } from "./address-book.ts";
import type { WalletConfig } from "./config.ts";
import { WalletError } from "./errors.ts";
import type { WalletRecord } from "./file/document.ts";
import type { Sealed } from "./file/seal.ts";
import { Follower, notesOf, rememberedOf } from "./follow.ts";
import { purposeOf } from "./keys/account.ts";
import { descriptorsOf } from "./keys/descriptors.ts";
import type { Keychain } from "./keys/keychain.ts";
import type { KeyRing, Owned } from "./keys/ring.ts";
import { balancesOf, type ChainFacts, depthOf, Trust, worthOf } from "./ledger/balance.ts";
import { entriesBetween, entriesOf, type Statement, transactionOf } from "./ledger/history.ts";
import type { OwnCoin, RowChange } from "./ledger/ledger.ts";
import type { Row } from "./ledger/row.ts";
import { Offers } from "./offers.ts";
import { WalletSigner } from "./signer.ts";
import { Payer } from "./spend/payer.ts";
import type { SpendView } from "./spend/spender.ts";
import { notesFrom, outpointOf, outpointText, remember, stored, storedNote } from "./stored.ts";
import type {
  AddressRecord,
  AddressType,
  Balances,
  Coin,
  HistoryEntry,
  Payment,
  SendOptions,
  Sent,
  Wallet,
  WalletDescriptor,
  WalletEvent,
  WalletInfo,
  WalletTransaction,
} from "./types.ts";

export interface WalletParts {
  readonly config: WalletConfig;
  readonly record: WalletRecord;
  readonly keychain: Keychain;
  readonly ring: KeyRing;
  /** Resolves once the record is on disk. */
  readonly save: (record: WalletRecord) => Promise<void>;
  readonly backup: (record: WalletRecord, path: string) => Promise<void>;
  readonly onEvent: (event: WalletEvent) => void;
}

export class ChainWallet implements Wallet {
  readonly name: string;
  readonly #parts: WalletParts;
  readonly #follower: Follower;
  readonly #book: AddressBook;
  /** By outpoint. */
  readonly #locked: Set<string>;
  #birthday: number;
  readonly #offers: Offers;
  readonly #payer: Payer;
  readonly signer: WalletSigner;

  constructor(parts: WalletParts) {
    const { config, record, ring } = parts;
    this.name = record.name;
    this.#parts = parts;
    this.#book = new AddressBook(config.network, ring, record.labels);
    this.#locked = new Set(record.lockedCoins.map(outpointOf));
    this.#birthday = record.birthday;
    this.#follower = new Follower({
      ...config,
      ring,
      onChange: (change) => this.#changed(change),
    });
    this.#offers = new Offers({ ...config, ledger: () => this.#follower.ledger });
    const { keychain } = parts;
    const common = { view: () => this.#view, keychain, ring };
    this.#payer = new Payer({ ...common, book: this.#book, save: () => this.#save() });
    this.signer = new WalletSigner({ ...common, payer: this.#payer });
  }

  /** Follows the chain; resolves once the history is read. Payments of ours that the network forgot are offered to it again. */
  async start(): Promise<void> {
    const { record } = this.#parts;
    await this.#follower.start(this.#birthday, record.unconfirmed.map(remember), notesFrom(record.notes));
    await this.#offers.start();
  }

  /** Ends following and forgets the keys. */
  async stop(): Promise<void> {
    this.#offers.stop();
    this.#follower.stop();
    await this.#payer.settled();
    this.#parts.keychain.close();
  }

  get #facts(): ChainFacts {
    return { height: this.#follower.height, coinbaseMaturity: this.#parts.config.network.coinbaseMaturity };
  }

  get #statement(): Statement {
    return {
      ledger: this.#follower.ledger,
      facts: this.#facts,
      addressOf: (script) => this.#book.addressOf(script),
      labelOf: (address) => this.#book.labelOf(address),
    };
  }

  get #view(): SpendView & { readonly scanning: boolean } {
    const { ledger, scanning } = this.#follower;
    return { config: this.#parts.config, ledger, facts: this.#facts, locked: this.#locked, scanning };
  }

  info(): WalletInfo {
    const { keychain } = this.#parts;
    return {
      name: this.name,
      birthday: this.#birthday,
      encrypted: keychain.encrypted,
      unlockedUntil: keychain.unlockedUntil,
      transactions: this.#follower.ledger.size,
      fingerprint: keychain.record.fingerprint,
      height: this.#follower.height,
      scanning: this.#follower.scanning,
    };
  }

  balances(): Balances {
    return balancesOf(this.#follower.ledger, this.#facts);
  }

  coins(): readonly Coin[] {
    const { ledger } = this.#follower;
    const [facts, trust] = [this.#facts, new Trust(ledger)];
    return [...ledger.openCoins()].flatMap((coin) => {
      const worth = worthOf(ledger, coin, facts, trust);
      if (worth === "spent" || worth === "none") return [];
      return [this.#coinOf(coin, worth === "confirmed" || worth === "change")];
    });
  }

  #coinOf({ row, credit, outpoint }: OwnCoin, isAvailable: boolean): Coin {
    const address = this.#book.addressOf(credit.owner.script)!;
    const locked = this.#locked.has(outpoint);
    return {
      txid: hashText(row.txid),
      vout: credit.vout,
      value: credit.value,
      address,
      script: credit.owner.script,
      label: this.#book.labelOf(address),
      depth: depthOf(row, this.#facts),
      coinbase: row.isCoinbase,
      spendable: isAvailable && !locked,
      locked,
      change: credit.owner.path.branch === 1,
    };
  }

  history(): readonly HistoryEntry[] {
    const statement = this.#statement;
    return [...statement.ledger.rows()].flatMap((row) => entriesOf(statement, row));
  }

  *lastSeen(): Iterable<HistoryEntry> {
    const statement = this.#statement;
    for (const row of [...statement.ledger.rows()].reverse()) yield* entriesOf(statement, row).reverse();
  }

  historyPart(skip: number, count: number): { readonly entries: readonly HistoryEntry[]; readonly total: number } {
    const statement = this.#statement;
    return { entries: entriesBetween(statement, skip, count), total: statement.ledger.timeline.lines };
  }

  transaction(txid: string): WalletTransaction | undefined {
    const row = this.#row(txid);
    return row && transactionOf(this.#statement, row);
  }

  #row(txid: string): Row | undefined {
    const hash = hashFromText(txid);
    return hash && this.#follower.ledger.row(hashKey(hash));
  }

  async newAddress(options: { label?: string | undefined; type?: AddressType | undefined } = {}): Promise<string> {
    const owned = this.#parts.ring.handOut(purposeOf(options.type ?? "bech32"), 0);
    const address = this.#book.addressOf(owned.script)!;
    if (options.label) this.#book.label(address, options.label);
    await this.#save();
    return address;
  }

  async newChangeAddress(type: AddressType = "bech32"): Promise<string> {
    const owned = this.#parts.ring.handOut(purposeOf(type), 1);
    await this.#save();
    return this.#book.addressOf(owned.script)!;
  }

  addresses(): readonly AddressRecord[] {
    const paid = this.#paid();
    return [...this.#parts.ring.handedOut()].map((owned) => this.#book.recordOf(owned, paid));
  }

  address(address: string): AddressRecord | undefined {
    const owned = this.#book.find(address);
    return owned && this.#book.recordOf(owned, this.#paid());
  }

  #paid(): ReadonlySet<Owned> {
    const rows = [...this.#follower.ledger.rows()];
    return new Set(rows.flatMap(({ credits }) => credits.map(({ owner }) => owner)));
  }

  async setLabel(address: string, label: string): Promise<void> {
    this.#book.scriptOf(address);
    this.#book.label(address, label);
    await this.#save();
  }

  async lockCoins(coins: readonly { readonly txid: string; readonly vout: number }[], locked: boolean): Promise<void> {
    const outpoints = coins.map(({ txid, vout }) => outpointOf(`${txid}:${vout}`));
    for (const outpoint of outpoints) {
      if (!this.#follower.ledger.coin(outpoint))
        throw new WalletError("bad-argument", "Invalid parameter, unknown transaction");
    }
    for (const outpoint of outpoints) {
      if (locked) this.#locked.add(outpoint);
      else this.#locked.delete(outpoint);
    }
    await this.#save();
  }

  send(payments: readonly Payment[], options: SendOptions = {}): Promise<Sent> {
    return this.#payer.send(payments, options);
  }

  bumpFee(txid: string, options: { feeRate?: number | undefined } = {}): Promise<Sent & { readonly oldFee: number }> {
    return this.#payer.bump(txid, options.feeRate);
  }

  abandon(txid: string): Promise<void> {
    return this.#payer.abandon(txid);
  }

  encrypt(passphrase: string): Promise<void> {
    const { keychain } = this.#parts;
    if (keychain.encrypted)
      throw new WalletError(
        "already-encrypted",
        "The wallet is encrypted already; change its passphrase with walletpassphrasechange.",
      );
    requirePassphrase(passphrase);
    return this.#payer.inTurn(async () => this.#adopt(await keychain.sealedBy(passphrase)));
  }

  unlock(passphrase: string, seconds: number): Promise<void> {
    return this.#parts.keychain.unlock(passphrase, seconds);
  }

  lock(): void {
    const { keychain } = this.#parts;
    if (!keychain.encrypted)
      throw new WalletError("not-encrypted", "The wallet has no passphrase, so it can not be locked.");
    keychain.lock();
  }

  changePassphrase(old: string, fresh: string): Promise<void> {
    requirePassphrase(fresh);
    return this.#payer.inTurn(async () => this.#adopt(await this.#parts.keychain.resealed(old, fresh)));
  }

  /** The old secret stays in force until the new one is on disk. */
  async #adopt(secret: Sealed): Promise<void> {
    await this.#parts.save({ ...this.record(), secret });
    this.#parts.keychain.adopt(secret);
  }

  descriptors(): readonly WalletDescriptor[] {
    const { keychain, ring, config } = this.#parts;
    return descriptorsOf(keychain.record, config.network.coinType, ring.next());
  }

  mnemonic(): string {
    return this.#parts.keychain.mnemonic();
  }

  async rescan(fromHeight: number): Promise<void> {
    this.#birthday = Math.min(this.#birthday, fromHeight);
    await this.#follower.rescan(this.#birthday);
    await this.#save();
  }

  backup(path: string): Promise<void> {
    return this.#parts.backup(this.record(), path);
  }

  /** What the file keeps. */
  record(): WalletRecord {
    const { keychain, ring, record } = this.#parts;
    const { ledger } = this.#follower;
    // Until the first scan is over the ledger is empty, and what was remembered must not be forgotten by a write in between.
    const isReading = !this.#follower.ready;
    return {
      ...keychain.record,
      name: this.name,
      loaded: true,
      birthday: this.#birthday,
      next: ring.next(),
      labels: this.#book.labels(),
      lockedCoins: [...this.#locked].map(outpointText),
      unconfirmed: isReading ? record.unconfirmed : rememberedOf(ledger).map(stored),
      notes: isReading ? record.notes : [...notesOf(ledger)].map(storedNote),
    };
  }

  #save(): Promise<void> {
    return this.#parts.save(this.record());
  }

  #changed({ row, kind }: RowChange): void {
    const { amount } = transactionOf(this.#statement, row);
    // A payment of ours that lost its block may be known to nobody else.
    if (kind === "unconfirmed" && this.#follower.ledger.debitOf(row).value > 0)
      this.#save().catch((error: unknown) => this.#parts.config.onError?.("a wallet could not be saved", error));
    this.#parts.onEvent({ wallet: this.name, kind, txid: hashText(row.txid), amount });
  }
}

function requirePassphrase(passphrase: string): void {
  if (passphrase === "") throw new WalletError("bad-passphrase", "passphrase cannot be empty");
}
