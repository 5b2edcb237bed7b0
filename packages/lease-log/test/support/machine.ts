import type { Entry, Position, StateMachine } from "../../src/index.ts";

interface Image {
  readonly at: Position;
  readonly list: readonly string[];
}

const EMPTY: Image = { at: { epoch: 0, index: 0 }, list: [] };

/** The list of all commands. It minds that nobody calls it during a `restore`. Its `disk` outlives it: what `flush` left is found by the next one on it. */
export class ListMachine implements StateMachine {
  readonly disk: { image: Image };
  list: string[];
  #at: Position;
  #isRestoring = false;

  constructor(disk: { image: Image } = { image: EMPTY }) {
    this.disk = disk;
    this.list = [...disk.image.list];
    this.#at = disk.image.at;
  }

  applied(): Position {
    return this.#at;
  }

  apply(entries: readonly Entry[]): readonly unknown[] {
    this.#checkIsWhole();
    return entries.map((entry) => {
      if (entry.index !== this.#at.index + 1) throw new RangeError(`applied ${entry.index} after ${this.#at.index}`);
      this.#at = { epoch: entry.epoch, index: entry.index };
      if (entry.command.length === 0) return undefined;
      return this.list.push(Buffer.from(entry.command).toString());
    });
  }

  async snapshot() {
    this.#checkIsWhole();
    const at = this.#at;
    const text = Buffer.from(JSON.stringify(this.list));
    async function* chunks() {
      for (let i = 0; i < text.length; i += 1000) yield text.subarray(i, i + 1000);
    }
    return { at, chunks: chunks() };
  }

  async restore(at: Position, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    this.#checkIsWhole();
    this.#isRestoring = true;
    try {
      await this.#restore(at, chunks);
    } finally {
      this.#isRestoring = false;
    }
    await this.flush();
  }

  async #restore(at: Position, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    this.disk.image = EMPTY;
    this.list = [];
    this.#at = EMPTY.at;
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    this.list = JSON.parse(Buffer.concat(parts).toString()) as string[];
    this.#at = at;
  }

  async flush(): Promise<void> {
    this.#checkIsWhole();
    this.disk.image = { at: this.#at, list: [...this.list] };
  }

  #checkIsWhole(): void {
    if (this.#isRestoring) throw new RangeError("called in the middle of a restore");
  }
}
