/** A chain on a disk that is really full: a small tmpfs, which only root may mount. */
import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { NodeChain } from "../../src/chain/chain.ts";
import { openChain } from "../../src/chain/open-chain.ts";
import { openDatabase } from "../../src/chain/store/database.ts";
import { regtest } from "../../src/consensus/params.ts";
import { type Block, encodeBlock } from "../../src/primitives/block.ts";
import { txid } from "../../src/primitives/transaction.ts";
import { genesis, makeBlock, makeLine, payment, SUBSIDY, simpleRules } from "./support/blocks.ts";
import { FaultyDatabase } from "./support/faulty-database.ts";
import { TestClock } from "./support/node.ts";

const MIB = 2 ** 20;
const SIZE_MIB = 24;
const PADDING = MIB / 4;
const SOON = { timeout: 20_000 };
let disk: string;
let isMounted = false;
let chain: NodeChain | undefined;
let clock: TestClock;

beforeEach(async () => {
  disk = await mkdtemp(join(tmpdir(), "chain-full-"));
  clock = new TestClock();
  const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${SIZE_MIB}m`, "tmpfs", disk]);
  isMounted = status === 0;
  if (!isMounted) console.warn(`SKIPPED: tests of a full disk need to mount a tmpfs: ${stderr}`);
});
afterEach(async () => {
  await chain?.close();
  chain = undefined;
  if (isMounted) execFileSync("umount", ["-l", disk]);
  await rm(disk, { recursive: true, force: true });
});

/** Takes all the room there is. */
const fill = () => spawnSync("dd", ["if=/dev/zero", `of=${join(disk, "filler")}`, "bs=4k"]);
const empty = () => rm(join(disk, "filler"));

/** On `parent`, with bytes that can't be compressed. */
function largeBlock(parent: Block): Block {
  const from = { hash: txid(parent.transactions[0]!), index: 0 };
  const script = Buffer.concat([Buffer.from([0x6a]), randomBytes(PADDING)]);
  return makeBlock(parent, { transactions: [payment([from], [{ value: SUBSIDY, script }])] });
}

function largeLine(from: Block, length: number): Block[] {
  const line: Block[] = [];
  for (let i = 0; i < length; i++) line.push(largeBlock(line.at(-1) ?? from));
  return line;
}

const dir = () => join(disk, "chain");
const base = () => ({ dir: dir(), network: regtest, rules: simpleRules, clock });

async function addAll(to: NodeChain, blocks: readonly Block[]): Promise<string[]> {
  const reasons: string[] = [];
  for (const block of blocks) {
    const result = await to.addBlock(block);
    if (!result.ok) reasons.push(result.reason);
  }
  return reasons;
}

/** Room comes back: the chain notices by itself. */
async function roomAgain(full: NodeChain): Promise<void> {
  await empty();
  const state = () => {
    clock.advance(5_000);
    return full.state.kind;
  };
  await expect.poll(state, SOON).toBe("running");
}

/** Every block's coinbase is a coin, but for those that were spent. */
async function expectWhole(whole: NodeChain, line: readonly Block[]): Promise<void> {
  const { tip } = whole;
  expect((await whole.rawBlock(tip))?.equals(encodeBlock(line[tip.height - 1]!))).toBe(true);
  const spent = line.slice(0, tip.height).filter(({ transactions }) => transactions.length > 1).length;
  expect(await whole.coinStats()).toMatchObject({ entry: tip, coinCount: tip.height - spent });
}

it("is noticed by the reserve before a write fails", async (context) => {
  if (!isMounted) return context.skip();
  chain = await openChain({ ...base(), diskReserveBytes: 4 * MIB });
  const line = makeLine(genesis, 3);
  expect(await addAll(chain, line)).toEqual([]);
  fill();
  // A look at the disk counts for some megabytes of writes.
  const large = largeLine(line[2]!, 6);
  expect((await addAll(chain, large))[0]).toBe("disk-full");
  expect(chain.state.kind).toBe("disk-full");
  expect(chain.tip.height).toBe(3);
  expect(await chain.block(chain.at(2)!)).toEqual(line[1]);
  await roomAgain(chain);
  expect(await addAll(chain, large)).toEqual([]);
  await expectWhole(chain, [...line, ...large]);
});

it("met without warning stops the chain at a whole block; it goes on once there is room, and after a restart", {
  timeout: 60_000,
}, async (context) => {
  if (!isMounted) return context.skip();
  const database = new FaultyDatabase(await openDatabase({ dir: dir() }));
  // The disk claims room that it does not have.
  database.free = 2 ** 40;
  chain = await openChain({ ...base(), diskReserveBytes: 0, open: async () => database });
  const small = makeLine(genesis, 3);
  expect(await addAll(chain, small)).toEqual([]);
  fill();
  const line = [...small, ...largeLine(small[2]!, 12)];
  const refused = await addAll(chain, line.slice(3));
  expect(refused[0]).toBe("disk-full");
  expect(chain.state.kind).toBe("disk-full");
  const { height } = chain.tip;
  expect(height).toBeLessThan(line.length);
  await expectWhole(chain, line);
  await roomAgain(chain);
  expect(database.reopened).toBeGreaterThan(0);
  expect(await addAll(chain, line.slice(height))).toEqual([]);
  await expectWhole(chain, line);
  await chain.close();
  chain = await openChain({ ...base(), diskReserveBytes: 0 });
  expect(chain.tip.height).toBe(line.length);
  await expectWhole(chain, line);
});
