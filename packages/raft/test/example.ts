/** The example of the package's front page, to be compiled; `readme.test.ts` keeps the two the same. */

import { openRaft, type StateMachine } from "../src/index.ts";

/** A counter: every command adds one. Snapshots let the log be short. */
class Counter implements StateMachine {
  #count = 0;
  #applied = 0;

  applied = () => this.#applied;

  apply(entries: readonly { readonly index: number; readonly command: Uint8Array }[]) {
    return entries.map(({ index, command }) => {
      this.#applied = index;
      // The entry that opens a term, and changes of membership, carry no command.
      return command.length === 0 ? undefined : ++this.#count;
    });
  }

  snapshot() {
    const state = Buffer.from(String(this.#count));
    async function* chunks() {
      yield state;
    }
    return { index: this.#applied, chunks: chunks() };
  }

  async restore(index: number, chunks: AsyncIterable<Uint8Array>) {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    this.#count = Number(Buffer.concat(parts).toString());
    this.#applied = index;
  }
}

export async function example(dir: string): Promise<unknown> {
  const id = "00000000000000a1";
  const raft = await openRaft({
    id,
    clusterId: "blue",
    dir,
    stateMachine: new Counter(),
    // The same list at each of the first members. Whoever comes later is added by `changeMembers`.
    bootstrap: [{ id, name: "counter-0", address: "127.0.0.1:7000" }],
    listen: { host: "127.0.0.1", port: 0 },
  });
  await raft.start();
  const count = await raft.propose(Buffer.from("add")); // at any member: the result, once applied here
  await raft.readBarrier(); // a read of the state made from now on is linearizable
  await raft.stop(); // hands leadership over first
  return count;
}
