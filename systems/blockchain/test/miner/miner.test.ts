import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bitsOf, meetsTarget } from "../../src/consensus/target.ts";
import { createScanner } from "../../src/miner/hash/scanner.ts";
import { merkleBranch, rootOver } from "../../src/miner/template/merkle-branch.ts";
import { Hashers } from "../../src/miner/threads/hashers.ts";
import { blockHash } from "../../src/primitives/block.ts";
import { hashText } from "../../src/primitives/hash.ts";
import { merkleRoot } from "../../src/primitives/merkle.ts";
import { genesis } from "../chain/support/blocks.ts";
import { outputOf, scriptOf, spend, TestNode } from "../chain/support/node.ts";
import { Random } from "../chain/support/random.ts";

const SOON = { timeout: 20_000, interval: 20 };
const sha256 = (bytes: Buffer): Buffer => createHash("sha256").update(bytes).digest();

describe("the scanner", () => {
  it("finds exactly the nonces that node:crypto finds", () => {
    const random = new Random(7);
    for (let round = 0; round < 5; round++) {
      const header = Buffer.from(Array.from({ length: 80 }, () => random.below(256)));
      const target = Buffer.alloc(32, 0xff);
      // A hit in 256 or so; the second byte makes the comparison of the highest words matter.
      target[0] = 0;
      target[1] = random.below(256);
      const start = random.chance(0.5) ? 0xffff_ff00 : random.below(2 ** 32);
      const expected: number[] = [];
      for (let i = 0; i < 3000; i++) {
        header.writeUInt32LE((start + i) >>> 0, 76);
        if (sha256(sha256(header)).reverse().compare(target) <= 0) expected.push((start + i) >>> 0);
      }
      expect(expected.length).toBeGreaterThan(0);
      for (const kind of ["simd", "native"] as const) {
        const scanner = createScanner(kind);
        expect(scanner.kind).toBe(kind);
        scanner.load(header, target);
        const found: number[] = [];
        for (let done = 0; done < 3000; ) {
          const nonce = scanner.scan(start + done, 3000 - done);
          if (nonce === undefined) break;
          found.push(nonce);
          done = ((nonce - start + 2 ** 32) % 2 ** 32) + 1;
        }
        expect(found).toEqual(expected);
      }
    }
  });
});

describe("a merkle branch", () => {
  it.each([1, 2, 3, 4, 5, 8, 9, 31])("leads from the first of %i leaves to the root", (count) => {
    const leaves = Array.from({ length: count }, (_, i) => sha256(Buffer.from([i])));
    expect(rootOver(leaves[0]!, merkleBranch(leaves.slice(1)))).toEqual(merkleRoot(leaves).root);
  });
});

describe("hashing threads", () => {
  let hashers: Hashers;
  beforeEach(() => {
    hashers = new Hashers(2);
  });
  afterEach(() => hashers.stop());

  const search = (bits: number, signal: AbortSignal, cpuShare = 1) => {
    let extra = 0;
    const next = () => ({ ...genesis, header: { ...genesis.header, bits, version: ++extra } });
    return hashers.search({ next, cpuShare, signal });
  };

  it("find a block that meets its target", async () => {
    const bits = bitsOf(2n ** 240n);
    const found = await search(bits, new AbortController().signal);
    expect(found && meetsTarget(blockHash(found.header), bits, 0x207fffff)).toBe(true);
    expect(hashers.hashes).toBeGreaterThan(0);
  });

  it("stop when told to, also while they sleep, and work on the next block", async () => {
    const impossible = bitsOf(1n);
    for (const cpuShare of [1, 0.01]) {
      const controller = new AbortController();
      const searching = search(impossible, controller.signal, cpuShare);
      setImmediate(() => controller.abort());
      expect(await searching).toBeUndefined();
    }
    expect(await search(0x207fffff, new AbortController().signal)).toBeDefined();
  });
});

describe("a miner", () => {
  it("generates blocks that the rules accept, to the script it is told", async () => {
    await using node = await TestNode.open();
    const hashes = await node.miner.generate(3, scriptOf(9));
    expect(hashes.map(hashText)).toEqual([1, 2, 3].map((height) => hashText(node.chain.at(height)!.hash)));
    expect(node.chain.scriptSummary(scriptOf(9)).coinCount).toBe(3);
    expect(node.miner.status.blocksFound).toBe(3);
  });

  it("gives up after so many tries", async () => {
    await using node = await TestNode.open();
    expect((await node.miner.generate(500, scriptOf(9), { maxTries: 10 })).length).toBeLessThan(20);
    await expect(node.miner.generate(1_000_000, scriptOf(9))).rejects.toMatchObject({ code: "bad-request" });
  });

  it("takes what pays best with all that it needs, parents first, and collects the fees", async () => {
    await using node = await TestNode.open();
    const [a, b, c] = await node.ripe(3);
    const poor = spend([a!], [{ value: 50e8 - 1000, owner: 1 }]);
    const rich = spend([outputOf(poor, 0, 1)], [{ value: 50e8 - 101_000, owner: 1 }]);
    const middle = spend([b!], [{ value: 50e8 - 20_000, owner: 1 }]);
    const low = spend([c!], [{ value: 50e8 - 500, owner: 1 }]);
    for (const tx of [low, poor, middle, rich]) expect(node.mempool.accept(tx)).toMatchObject({ ok: true });
    const template = node.miner.template();
    expect(template.entries.map(({ tx }) => tx)).toEqual([poor, rich, middle, low]);
    expect(template.fees).toBe(121_500);
    await node.mine(1, 7);
    expect(node.chain.scriptSummary(scriptOf(7)).balance).toBe(50e8 + 121_500);
    expect(node.mempool.size).toBe(0);
  });

  it("mines in the background, begins anew on another tip, and waits for what its policy says", async () => {
    await using node = await TestNode.open({
      miner: { script: scriptOf(3), cpuShare: 1, policy: { kind: "transactions", atLeast: 1 } },
    });
    const [coin] = await node.ripe(1);
    const before = node.chain.tip.height;
    node.miner.start();
    await expect.poll(() => node.miner.status.waitingFor, SOON).toBe("1 transactions");
    node.mempool.accept(spend([coin!], [{ value: 49e8, owner: 2 }]));
    // It looks once a second.
    await expect
      .poll(() => {
        node.clock.advance(1000);
        return node.chain.tip.height;
      }, SOON)
      .toBe(before + 1);
    await expect.poll(() => node.mempool.size, SOON).toBe(0);
    expect(node.chain.scriptSummary(scriptOf(3)).balance).toBe(51e8);
    await node.miner.stop();
    expect(node.miner.status.isRunning).toBe(false);
  });

  it("makes a block of exactly the transactions given", async () => {
    await using node = await TestNode.open();
    const [coin] = await node.ripe(1);
    const tx = spend([coin!], [{ value: 40e8, owner: 2 }]);
    const block = await node.miner.generateBlock(scriptOf(4), [tx]);
    expect(block.transactions.slice(1)).toEqual([tx]);
    expect(node.chain.tip.hash).toEqual(blockHash(block.header));
    expect(node.chain.scriptSummary(scriptOf(4)).balance).toBe(60e8);
    await expect(node.miner.generateBlock(scriptOf(4), [tx])).rejects.toMatchObject({
      code: "bad-txns-inputs-missingorspent",
    });
  });
});
