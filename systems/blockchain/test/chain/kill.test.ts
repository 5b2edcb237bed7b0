/** A chain whose process is killed at any moment: what is there afterwards is what some block left. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openChain } from "../../src/chain/open-chain.ts";
import { regtest } from "../../src/consensus/params.ts";
import type { Block } from "../../src/primitives/block.ts";
import { simpleRules } from "./support/blocks.ts";
import { Random } from "./support/random.ts";
import { replay } from "./support/twin.ts";

const KILLS = 12;
const here = fileURLToPath(new URL(".", import.meta.url));
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "chain-kill-"));
});
afterEach(() => rm(dir, { recursive: true }));

const MOMENTS = ["before", "during", "after"] as const;

/** Lets the process work until it kills itself at its n-th write. Returns the last height that it said. */
async function workAndDie(write: number, moment: string): Promise<number> {
  const args = [join(here, "support/line-writer.mjs"), join(here, "../../dist"), dir, String(write), moment];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.on("data", (bytes: Buffer) => {
    said += bytes.toString();
  });
  const [, signal] = await once(child, "close");
  expect(signal).toBe("SIGKILL");
  const last = said.trim().split("\n").at(-1);
  return last ? Number(last.split(" ")[1]) : 0;
}

it("is whole after every kill, at whatever write, and has lost nothing that was said", {
  timeout: 120_000,
}, async () => {
  const random = new Random(5);
  let height = 0;
  for (let i = 0; i < KILLS; i++) {
    const said = await workAndDie(10 + random.below(60), MOMENTS[i % MOMENTS.length]!);
    const chain = await openChain({ dir, network: regtest, rules: simpleRules, diskReserveBytes: 0 });
    try {
      // A turn goes three blocks back before it goes five ahead.
      expect(chain.tip.height).toBeGreaterThanOrEqual(said - 3);
      expect(chain.tip.height).toBeGreaterThanOrEqual(height - 3);
      height = chain.tip.height;
      const line: Block[] = [];
      for (let at = 0; at <= height; at++) line.push((await chain.block(chain.at(at)!))!);
      const { coins } = replay(line);
      expect((await chain.coinStats()).coinCount).toBe(coins.size);
      for (const { outpoint, coin } of coins.values()) expect(chain.coin(outpoint)).toEqual(coin);
      for (const owner of [0x51, 0x52, 0x53]) {
        const script = Buffer.from([owner]);
        const own = [...coins.values()].filter(({ coin }) => coin.script.equals(script));
        expect(chain.scriptSummary(script).coinCount).toBe(own.length);
      }
    } finally {
      await chain.close();
    }
  }
  expect(height).toBeGreaterThan(5);
});
