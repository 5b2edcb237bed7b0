/**
 * The thread that writes to the tree (see tree-writer.ts). Two threads of one process share LMDB's file: one writes, the other
 * reads on.
 */
import { setPriority } from "node:os";
import type { MessagePort } from "node:worker_threads";
import { workerData } from "node:worker_threads";
import { KvStoreError, messageOf } from "../errors.ts";
import { lastChanges } from "./changes.ts";
import { writePosition, writeTime } from "./facts.ts";
import { openTree } from "./tree.ts";
import { TreeKeyspace } from "./tree-keyspace.ts";
import type { Answer, Commit, Task } from "./tree-writer.ts";

const NICE = 10;
const { dir, port, answered } = workerData as { dir: string; port: MessagePort; answered: Int32Array };
// On Linux it is this thread's alone: who serves clients goes first.
if (process.platform === "linux") setPriority(NICE);
const tree = openTree(dir);
const space = new TreeKeyspace(tree);

port.on("message", (task: Task) => {
  if (task === "close") void tree.close().then(() => port.close());
  else answer(commit(task));
});

function answer(result: Answer): void {
  port.postMessage(result);
  // For who waits without taking messages.
  Atomics.add(answered, 0, 1);
  Atomics.notify(answered, 0);
}

function commit(task: Commit): Answer {
  try {
    tree.transact(() => {
      // The other thread may have restored a snapshot.
      space.recount();
      if (task.clears) space.clear();
      // In key order neighbours share the tree's pages.
      for (const { key, stored } of lastChanges(task.parts)) {
        if (stored) space.put(key, stored);
        else space.remove(key);
      }
      writePosition(tree.facts, task.position);
      writeTime(tree.facts, task.timeMs);
    });
    return {};
  } catch (error) {
    return { failure: { code: error instanceof KvStoreError ? error.code : "failed", message: messageOf(error) } };
  }
}
