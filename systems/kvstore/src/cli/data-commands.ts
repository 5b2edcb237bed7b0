/** put, read, readrange, batchput, delete: what the original's client could, as rows. */

import { KvStoreError } from "../errors.ts";
import type { Reply } from "../reply.ts";
import { show } from "./client.ts";

export interface Outcome {
  readonly output: string;
  readonly exitCode: number;
}

export interface DataCommand {
  readonly name: string;
  /** commander's notation. */
  readonly usage: string;
  readonly description: string;
  readonly example: string;
  /** The words to send. */
  words(args: readonly string[]): readonly string[];
  outcome(reply: Reply): Outcome;
}

const ok = (output: string): Outcome => ({ output, exitCode: 0 });
const NOT_FOUND: Outcome = { output: "NOT_FOUND", exitCode: 1 };

function pairs(reply: Reply): Outcome {
  const items = Array.isArray(reply) ? (reply as readonly Reply[]) : [];
  const lines = items.flatMap((key, index) =>
    index % 2 === 0 ? [`${show(key)}: ${show(items[index + 1] ?? "")}`] : [],
  );
  return ok(lines.join("\n"));
}

function batch([keyList = "", valueList = ""]: readonly string[]): readonly string[] {
  const [keys, values] = [keyList.split(","), valueList.split(",")];
  if (keys.length !== values.length)
    throw new KvStoreError(
      "bad-config",
      `${keys.length} keys but ${values.length} values: give as many values as keys.`,
    );
  return ["MSET", ...keys.flatMap((key, index) => [key, values[index] ?? ""])];
}

export const DATA_COMMANDS: readonly DataCommand[] = [
  {
    name: "put",
    usage: "<key> <value>",
    description: "set a key",
    example: "kvstore put testkey testvalue",
    words: ([key = "", value = ""]) => ["SET", key, value],
    outcome: (reply) => ok(show(reply)),
  },
  {
    name: "read",
    usage: "<key>",
    description: "print the value of a key; exit code 1 when there is none",
    example: "kvstore read testkey",
    words: ([key = ""]) => ["GET", key],
    outcome: (reply) => (reply === null ? NOT_FOUND : ok(show(reply))),
  },
  {
    name: "readrange",
    usage: "<start> <end>",
    description: "print the keys from start to end, both included, and their values",
    example: "kvstore readrange a z",
    words: ([start = "", end = ""]) => ["READRANGE", start, end],
    outcome: pairs,
  },
  {
    name: "batchput",
    usage: "<keys> <values>",
    description: "set several keys at once, given as two lists with commas",
    example: "kvstore batchput k1,k2 v1,v2",
    words: batch,
    outcome: (reply) => ok(show(reply)),
  },
  {
    name: "delete",
    usage: "<key>",
    description: "remove a key; exit code 1 when there was none",
    example: "kvstore delete testkey",
    words: ([key = ""]) => ["DEL", key],
    outcome: (reply) => (reply === 0 ? NOT_FOUND : ok("OK")),
  },
];
