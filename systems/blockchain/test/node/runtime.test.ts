import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { shareLessMemory } from "../../src/node/runtime.ts";
import { sha256d } from "../../src/primitives/hash.ts";

const KEPT = 500;
const PASSING = 300;

function bufferBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  for (let i = 0; i < 3; i++) collect();
  return process.memoryUsage().arrayBuffers;
}

test("a hash kept out of the hundreds that pass holds about a kilobyte, not a slab of eight", () => {
  const before = Buffer.poolSize;
  try {
    shareLessMemory();
    const empty = bufferBytes();
    const kept: Buffer[] = [];
    for (let i = 0; i < KEPT; i++) {
      const message = Buffer.alloc(8);
      message.writeUInt32LE(i);
      kept.push(sha256d(message));
      for (let j = 0; j < PASSING; j++) sha256d(message);
    }
    const each = (bufferBytes() - empty) / kept.length;
    expect(each).toBeGreaterThan(32);
    expect(each).toBeLessThan(1_500);
  } finally {
    Buffer.poolSize = before;
  }
});
