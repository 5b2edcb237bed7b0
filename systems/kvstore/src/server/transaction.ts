/** The state of MULTI and WATCH in one session. */
import type { Command } from "./command.ts";

export interface Queued {
  readonly command: Command;
  readonly args: readonly Buffer[];
}

/** Commands that one transaction may hold. */
const MAX_QUEUED = 65_536;

export class Transaction {
  #isOpen = false;
  #isSpoilt = false;
  #queued: Queued[] = [];
  #watched = new Map<string, readonly [key: Buffer, digest: Buffer]>();

  /** Between MULTI and EXEC or DISCARD. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether a command in it was refused, so that EXEC must refuse. */
  get isSpoilt(): boolean {
    return this.#isSpoilt;
  }

  get queued(): readonly Queued[] {
    return this.#queued;
  }

  /** Keys that must not change until EXEC, with the digest that they had at WATCH. */
  get watched(): readonly (readonly [Buffer, Buffer])[] {
    return [...this.#watched.values()];
  }

  open(): void {
    this.#isOpen = true;
  }

  queue(command: Command, args: readonly Buffer[]): void {
    if (this.#queued.length >= MAX_QUEUED) this.#isSpoilt = true;
    else this.#queued.push({ command, args });
  }

  spoil(): void {
    if (this.#isOpen) this.#isSpoilt = true;
  }

  /** The first WATCH of a key counts. */
  watch(key: Buffer, digest: Buffer): void {
    const id = key.toString("latin1");
    if (!this.#watched.has(id)) this.#watched.set(id, [key, digest]);
  }

  unwatch(): void {
    this.#watched.clear();
  }

  end(): void {
    this.#isOpen = false;
    this.#isSpoilt = false;
    this.#queued = [];
    this.unwatch();
  }
}
