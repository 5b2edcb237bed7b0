/** The wallet file as a place to keep records: read once, replaced as a whole with every change, one change at a time. */
import { readFile, stat } from "node:fs/promises";
import { WalletError } from "../errors.ts";
import type { WalletDocument, WalletRecord } from "./document.ts";
import { replaceFile } from "./durable.ts";
import { decodeWallets, encodeWallets, LARGEST_FILE } from "./format.ts";
import { lockFile } from "./lock.ts";

export class WalletFile {
  readonly #path: string;
  readonly #release: () => Promise<void>;
  #document: WalletDocument;
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, document: WalletDocument, release: () => Promise<void>) {
    this.#path = path;
    this.#document = document;
    this.#release = release;
  }

  /** Opens a file, or begins an empty one that is written with the first wallet. Rejects with `bad-file`. */
  static async open(path: string, network: string): Promise<WalletFile> {
    const release = await lockFile(path);
    try {
      return new WalletFile(path, await readFor(network, path), release);
    } catch (error) {
      await release();
      throw error;
    }
  }

  get records(): readonly WalletRecord[] {
    return this.#document.wallets;
  }

  /** Resolves once it is on disk. A write that fails leaves the file and what `records` says as they were. */
  put(record: WalletRecord): Promise<void> {
    return this.#change((records) => [...records.filter(({ name }) => name !== record.name), record]);
  }

  /** Waits for writes under way, then lets others have the file. */
  async close(): Promise<void> {
    await this.#writing.catch(() => undefined);
    await this.#release();
  }

  #change(change: (records: readonly WalletRecord[]) => readonly WalletRecord[]): Promise<void> {
    const write = async (): Promise<void> => {
      const document = { ...this.#document, wallets: change(this.#document.wallets) };
      await replaceFile(this.#path, encodeWallets(document));
      this.#document = document;
    };
    this.#writing = this.#writing.catch(() => undefined).then(write);
    return this.#writing;
  }
}

async function readFor(network: string, path: string): Promise<WalletDocument> {
  const document = (await readWallets(path)) ?? { network, wallets: [] };
  if (document.network === network) return document;
  throw new WalletError(
    "bad-file",
    `${path} holds wallets of the network ${document.network}, and this node is on ${network}. Give it another WALLET_FILE.`,
  );
}

/** The content of a wallet file; undefined when there is none. Rejects with `bad-file`. */
export async function readWallets(path: string): Promise<WalletDocument | undefined> {
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (!info) return undefined;
  if (info.size > LARGEST_FILE) throw new WalletError("bad-file", `${path} is too large to be a wallet file`);
  return decodeWallets(await readFile(path, "utf8"));
}
