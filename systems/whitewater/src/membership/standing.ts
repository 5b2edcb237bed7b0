/** This pod's record and what it tells of itself. Changes are made one after the other, each on the disk before anybody hears of it. */

import { answerAsk } from "./acceptor.ts";
import type { AddressBook } from "./address-book.ts";
import { newDiskId, readRecord, writeRecord } from "./record-file.ts";
import {
  type Ask,
  type DiskRecord,
  NO_BALLOT,
  type Question,
  type Report,
  type Roster,
  type Seat,
  type Verdict,
} from "./types.ts";

/** What the running member knows of its cluster. */
export interface ClusterView {
  hasLeader(): boolean;
  verdictOn(id: string): Promise<Verdict>;
  /** Somebody asks for a seat, or for another address. Resolves soon, and where that is possible once it is granted. */
  wish(seat: Seat): Promise<void>;
}

export interface StandingOptions {
  readonly dir: string;
  readonly name: string;
  readonly address: string;
  readonly size: number;
  readonly book: AddressBook;
}

export class Standing {
  readonly #options: StandingOptions;
  #record: DiskRecord;
  #cluster: ClusterView | undefined;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(options: StandingOptions, record: DiskRecord) {
    this.#options = options;
    this.#record = record;
  }

  static async open(options: StandingOptions): Promise<Standing> {
    return new Standing(options, await readRecord(options.dir));
  }

  get record(): DiskRecord {
    return this.#record;
  }

  get seat(): Seat {
    const { name, address } = this.#options;
    return { id: this.#record.disk, name, address };
  }

  /** From now on this member speaks for its cluster. */
  takePart(cluster: ClusterView): void {
    this.#cluster = cluster;
  }

  async answer({ from, ask }: Question): Promise<Report> {
    this.#options.book.hear(from);
    await this.ask(ask);
    if (ask.kind === "join") await this.#cluster?.wish(from);
    return this.report(from.id);
  }

  /** What it asks others it asks itself too. */
  ask(ask: Ask): Promise<void> {
    return this.#change((record) => answerAsk(record, ask));
  }

  sit(cluster: Roster): Promise<void> {
    return this.#change((record) => (record.cluster ? record : { ...record, cluster }));
  }

  /** The disk has been emptied: it is another one now. */
  renew(): Promise<void> {
    return this.#change(() => ({ disk: newDiskId(), promised: NO_BALLOT }));
  }

  async report(asker: string): Promise<Report> {
    const { size, book } = this.#options;
    const { promised, accepted, cluster } = this.#record;
    const hasLeader = this.#cluster?.hasLeader() ?? false;
    const you = (await this.#cluster?.verdictOn(asker)) ?? "unknown";
    return {
      self: this.seat,
      size,
      promised,
      known: book.known(),
      ...(accepted && { accepted }),
      ...(cluster && { cluster: { ...cluster, hasLeader, you } }),
    };
  }

  #change(change: (record: DiskRecord) => DiskRecord): Promise<void> {
    const run = async (): Promise<void> => {
      const next = change(this.#record);
      if (next === this.#record) return;
      await writeRecord(this.#options.dir, next);
      this.#record = next;
    };
    const result = this.#last.then(run);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
