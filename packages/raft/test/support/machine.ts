import type { Entry, Member, StateMachine } from "../../src/index.ts";

/** The list of all commands. A state in memory: empty after a restart. */
export class ListMachine implements StateMachine {
  list: string[] = [];
  members: readonly Member[] = [];
  #applied = 0;

  applied(): number {
    return this.#applied;
  }

  apply(entries: readonly Entry[]): readonly unknown[] {
    return entries.map((entry) => {
      if (entry.index !== this.#applied + 1) throw new RangeError(`applied ${entry.index} after ${this.#applied}`);
      this.#applied = entry.index;
      if (entry.command.length === 0) return undefined;
      return this.list.push(Buffer.from(entry.command).toString());
    });
  }

  snapshot() {
    const text = Buffer.from(JSON.stringify(this.list));
    async function* chunks() {
      for (let i = 0; i < text.length; i += 1000) yield text.subarray(i, i + 1000);
    }
    return { index: this.#applied, chunks: chunks() };
  }

  async restore(index: number, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    this.list = JSON.parse(Buffer.concat(parts).toString()) as string[];
    this.#applied = index;
  }

  membersChanged(members: readonly Member[]): void {
    this.members = members;
  }
}
