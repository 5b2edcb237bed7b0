/** The state that the log keeps the same on every replica: a number, and which entry it includes. */
import { mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Entry, Position, StateMachine } from "@coracle/lease-log";

interface State {
  readonly at: Position;
  readonly value: number;
}

const EMPTY: State = { at: { epoch: 0, index: 0 }, value: 0 };

export class Counter implements StateMachine {
  readonly #path: string;
  #state: State;

  private constructor(path: string, state: State) {
    this.#path = path;
    this.#state = state;
  }

  /** After a crash this is what was flushed last; the log applies the rest again. */
  static async open(dir: string): Promise<Counter> {
    await mkdir(dir, { recursive: true });
    const path = join(dir, "counter.json");
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    return new Counter(path, text === undefined ? EMPTY : (JSON.parse(text) as State));
  }

  get value(): number {
    return this.#state.value;
  }

  applied(): Position {
    return this.#state.at;
  }

  /** A function of the entries alone: no clock, no randomness, and no command makes it throw. */
  apply(entries: readonly Entry[]): readonly unknown[] {
    return entries.map(({ epoch, index, command }) => {
      const value = command.length > 0 ? this.value + 1 : this.value; // The entry that opens an epoch is empty.
      this.#state = { at: { epoch, index }, value };
      return value;
    });
  }

  async snapshot(): Promise<{ at: Position; chunks: AsyncIterable<Uint8Array> }> {
    const { at, value } = this.#state;
    return {
      at,
      chunks: (async function* () {
        yield Buffer.from(String(value));
      })(),
    };
  }

  async restore(at: Position, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    this.#state = EMPTY;
    await rm(this.#path, { force: true });
    let text = "";
    for await (const chunk of chunks) text += Buffer.from(chunk).toString();
    this.#state = { at, value: Number(text) };
    await this.flush();
  }

  /** Whole or not at all, and on the disk when it resolves, its new name too: the log drops what the file includes. */
  async flush(): Promise<void> {
    await writeFile(`${this.#path}.new`, JSON.stringify(this.#state));
    await sync(`${this.#path}.new`);
    await rename(`${this.#path}.new`, this.#path);
    await sync(dirname(this.#path));
  }
}

async function sync(path: string): Promise<void> {
  const file = await open(path);
  await file.sync().finally(() => file.close());
}
