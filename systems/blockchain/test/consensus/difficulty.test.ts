import { describe, expect, test } from "vitest";
import { type ChainNode, medianTimePast, nextBits } from "../../src/consensus/difficulty.ts";
import { devnet, regtest } from "../../src/consensus/params.ts";
import { targetOf, workOf } from "../../src/consensus/target.ts";
import { childOf, genesisNode, nodesAt } from "./chain-nodes.ts";

/** A generator of numbers below 1 that a seed repeats (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A chain whose blocks take as long as a hash rate makes them, in times of whole seconds as headers have them. */
class Simulation {
  node: ChainNode = genesisNode(devnet);
  now = devnet.genesis.header.time + 40_000_000;
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = random(seed);
  }

  /** Mines blocks; returns the seconds they took. `clock` is what the miner writes into the header. */
  mine(count: number, hashesPerSecond: number, clock: (now: number) => number = (now) => now): number {
    const before = this.now;
    for (let i = 0; i < count; i++) {
      const bits = nextBits(devnet, this.node);
      this.now += (-Math.log(1 - this.#random()) * Number(workOf(bits))) / hashesPerSecond;
      const time = Math.max(Math.floor(clock(this.now)), medianTimePast(this.node) + 1);
      this.node = childOf(this.node, time, bits);
    }
    return this.now - before;
  }
}

const seeds = [1, 2, 3, 4, 5];

describe("devnet's difficulty", () => {
  test.each(seeds)("comes from the easiest target to a block every ten seconds (seed %i)", (seed) => {
    const chain = new Simulation(seed);
    const settling = chain.mine(300, 1e6);
    expect(settling).toBeLessThan(300 * 10);
    const seconds = chain.mine(1000, 1e6) / 1000;
    expect(seconds).toBeGreaterThan(8.5);
    expect(seconds).toBeLessThan(11.5);
  });

  test.each(seeds)("follows miners that come and go (seed %i)", (seed) => {
    const chain = new Simulation(seed);
    chain.mine(400, 1e6);
    // Seven of eight miners leave: some slow blocks, then the old pace.
    expect(chain.mine(60, 1.25e5)).toBeLessThan(60 * 40);
    expect(chain.mine(300, 1.25e5) / 300).toBeLessThan(12.5);
    chain.mine(100, 1e7);
    const seconds = chain.mine(300, 1e7) / 300;
    expect(seconds).toBeGreaterThan(8);
    expect(seconds).toBeLessThan(12);
  });

  test.each(seeds)("does not catch up on a pause (seed %i)", (seed) => {
    const chain = new Simulation(seed);
    chain.mine(400, 1e6);
    chain.now += 86_400;
    expect(chain.mine(100, 1e6)).toBeGreaterThan(600);
  });

  test.each(seeds)("yields nothing to a fifth of the miners with clocks as far ahead as allowed (seed %i)", (seed) => {
    const chain = new Simulation(seed);
    chain.mine(400, 1e6);
    let block = 0;
    const clock = (now: number) => (block++ % 5 === 0 ? now + devnet.maxFutureSeconds : now);
    const seconds = chain.mine(1000, 1e6, clock) / 1000;
    expect(seconds).toBeGreaterThan(8.5);
    expect(seconds).toBeLessThan(11.5);
  });

  test("gains nothing from clocks of all miners that jump back and forth", () => {
    const chain = new Simulation(7);
    chain.mine(400, 1e6);
    let block = 0;
    const seconds = chain.mine(2000, 1e6, (now) => now + (block++ % 13 < 7 ? devnet.maxFutureSeconds : -1e6)) / 2000;
    expect(seconds).toBeGreaterThan(8.5);
  });

  test("is the easiest for the first two blocks, whatever their times", () => {
    const first = childOf(genesisNode(devnet), devnet.genesis.header.time + 1e8);
    expect(nextBits(devnet, genesisNode(devnet))).toBe(devnet.powLimitBits);
    expect(nextBits(devnet, first)).toBe(devnet.powLimitBits);
  });

  test("is never easier than the easiest nor beyond what a header can say", () => {
    let node = nodesAt(devnet, ...Array.from({ length: 30 }, (_, i) => 2e9 + i * 1000));
    expect(nextBits(devnet, node)).toBe(devnet.powLimitBits);
    for (let i = 0; i < 12_000; i++) node = childOf(node, node.time, nextBits(devnet, node));
    expect(targetOf(nextBits(devnet, node))).toBeGreaterThan(0n);
  });
});

describe("regtest's difficulty", () => {
  test("never changes", () => {
    expect(nextBits(regtest, nodesAt(regtest, 1_300_000_000, 1_300_000_001))).toBe(0x207fffff);
  });
});

describe("medianTimePast", () => {
  test("is the middle of eleven times in order of time", () => {
    const times = Array.from({ length: 12 }, (_, i) => 2_000_000_000 + ((i * 7) % 11));
    const sorted = times.slice(-11).toSorted((a, b) => a - b);
    expect(medianTimePast(nodesAt(regtest, ...times))).toBe(sorted[5]);
  });

  test("is of what there is near genesis", () => {
    expect(medianTimePast(genesisNode(regtest))).toBe(regtest.genesis.header.time);
    expect(medianTimePast(nodesAt(regtest, 2e9, 2e9 + 5))).toBe(2e9);
  });
});
