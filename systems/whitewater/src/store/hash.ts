/** A checksum over what readers can see: equal on all members that are at the same revision and compaction, whatever they have reclaimed yet. */
import { crc32 } from "node:zlib";
import { keyValue } from "../proto/kv.ts";
import type { Keyspace } from "./keyspace.ts";
import { bytesPerKey, type Steps, stepKeys } from "./steps.ts";

const table = Buffer.alloc(12);

export function* hashOf(keyspace: Keyspace, revision: number): Steps<number> {
  const { compactRevision } = keyspace;
  let sum = 0;
  let done = 0;
  for (const block of keyspace.history.capture()) {
    for (const version of block) {
      if (version.modRevision > revision) return sum;
      if (version.isDeadAt(compactRevision)) continue;
      table.writeDoubleLE(version.modRevision, 0);
      table.writeUInt32LE(version.sub, 8);
      sum = crc32(keyValue.encode(version), crc32(table, sum));
      done += 1 + version.length / bytesPerKey;
      if (done < stepKeys) continue;
      yield done;
      done = 0;
    }
  }
  return sum;
}
