/** A node with 10,000 blocks: how long it takes to start after kill -9, and what memory it holds at rest. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { table } from "../parts/report.ts";
import { KINDS, makeChain } from "./fixture.ts";
import { median, mib } from "./measure.ts";
import { fillFolder, OurNode } from "./ours.ts";
import { cpuOfTree } from "./peer.ts";

const BLOCKS = 10_000;
const ROUNDS = 5;
const REST_MS = 5000;

async function startTimes(dir: string, blocks: number): Promise<{ seconds: number; cpu: number; rss: number }[]> {
  const all: { seconds: number; cpu: number; rss: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const begun = performance.now();
    const node = await OurNode.start(dir, { NODE_IS_WEB_SERVER: "true" });
    const seconds = (performance.now() - begun) / 1000;
    const cpu = cpuOfTree(node.pid);
    if ((await node.height()) !== blocks) throw new TypeError("blocks are missing after kill -9");
    if (round === ROUNDS - 1) await new Promise((resolve) => setTimeout(resolve, REST_MS));
    all.push({ seconds, cpu, rss: node.rssBytes });
    // Not with a word of warning: it is to start from what kill -9 leaves.
    await node.stop("SIGKILL");
  }
  return all;
}

export async function run(): Promise<string[]> {
  const { blocks } = makeChain({ blocks: BLOCKS - 433, payments: 1, every: 10, kinds: KINDS });
  const dir = mkdtempSync(join(tmpdir(), "bench-start-"));
  try {
    await fillFolder(join(dir, "full"), blocks);
    const empty = await startTimes(join(dir, "empty"), 0);
    const full = await startTimes(join(dir, "full"), blocks.length);
    const row = (name: string, all: typeof full) => [
      name,
      median(all.map(({ seconds }) => seconds)).toFixed(2),
      median(all.map(({ cpu }) => cpu)).toFixed(2),
      mib(all.at(-1)!.rss),
    ];
    return [
      `From the start of the process until it answers JSON-RPC, after kill -9; median of ${ROUNDS}. Memory is resident, ${REST_MS / 1000} s later, web server included.`,
      table(
        ["node", "seconds", "s of CPU", "memory at rest"],
        [row("without blocks", empty), row(`${blocks.length} blocks`, full)],
      ),
      "Bound: loading the code, which a node without blocks spends as well; the difference is reading 10,000 headers.",
    ];
  } finally {
    rmSync(dir, { recursive: true });
  }
}
