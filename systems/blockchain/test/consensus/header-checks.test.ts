import { describe, expect, test } from "vitest";
import { checkHeader, checkHeaderOn, checkWork } from "../../src/consensus/header-checks.ts";
import { devnet, regtest } from "../../src/consensus/params.ts";
import type { BlockHeader } from "../../src/primitives/block.ts";
import { blockOn } from "./blocks.ts";
import { nodesAt } from "./chain-nodes.ts";

const parent = nodesAt(regtest, ...Array.from({ length: 11 }, (_, i) => 2_000_000_000 + i * 600));
const now = parent.time + 600;
/** The sixth of the eleven times. */
const medianTime = 2_000_000_000 + 5 * 600;
const good = blockOn(parent).header;

const reasonOf = (changes: Partial<BlockHeader>): string | undefined =>
  checkHeaderOn(regtest, { ...good, ...changes }, parent, now)?.reason;

describe("checkHeader", () => {
  test("passes what is right", () => {
    expect(checkHeader(regtest, good, parent, now)).toBeUndefined();
    expect(checkWork(devnet, devnet.genesis.header)).toBeUndefined();
  });

  test.each([
    ["another target", { bits: 0x207ffffe }, "bad-diffbits"],
    ["the median time itself", { time: medianTime }, "time-too-old"],
    ["one second later", { time: medianTime + 1 }, undefined],
    ["two hours ahead", { time: now + 7200 }, undefined],
    ["more than two hours ahead", { time: now + 7201 }, "time-too-new"],
    ["an old version", { version: 3 }, "bad-version(0x00000003)"],
    ["a negative version", { version: -1 }, "bad-version(0xffffffff)"],
    ["the lowest version", { version: 4 }, undefined],
  ] as const)("answers %s", (_, changes, reason) => {
    expect(reasonOf(changes)).toBe(reason);
  });

  test("wants the work that is claimed", () => {
    expect(checkWork(regtest, { ...good, bits: 0x1d00ffff })?.reason).toBe("high-hash");
    expect(checkWork(devnet, good)?.reason).toBe("high-hash");
  });

  test("does not hold a fast clock against the sender for ever", () => {
    expect(checkHeaderOn(regtest, { ...good, time: now + 7201 }, parent, now)?.blame).toBe("future");
    expect(checkHeaderOn(regtest, { ...good, version: 1 }, parent, now)?.blame).toBe("header");
  });
});
