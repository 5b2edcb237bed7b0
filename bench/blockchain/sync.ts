/**
 * 10,000 blocks fetched over loopback by Bitcoin's protocol, each way between ours and bcoin: from the moment the two are told of one another
 * until the last block is connected. One payment in ten blocks, so that what counts is what each block costs, not its signatures.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { table } from "../parts/report.ts";
import { KINDS, makeChain } from "./fixture.ts";
import { mib, times } from "./measure.ts";
import { fillFolder, freePort, OurNode, until } from "./ours.ts";
import { cpuOfTree, findPeer, MISSING_PEER, Peer } from "./peer.ts";

const BLOCKS = 10_000;
const VERIFYING_THREADS = 2;

interface Synced {
  readonly name: string;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly rssBytes: number;
}

async function oursFrom(name: string, dir: string, port: number, height: number): Promise<Synced> {
  const node = await OurNode.start(dir, { VERIFICATION_THREADS: `${VERIFYING_THREADS}` });
  try {
    const cpuBefore = cpuOfTree(node.pid);
    const begun = performance.now();
    await node.rpc("addnode", `127.0.0.1:${port}`, "add");
    await until(async () => (await node.height()) === height, "ours in step");
    const seconds = (performance.now() - begun) / 1000;
    return { name, seconds, cpuSeconds: cpuOfTree(node.pid) - cpuBefore, rssBytes: node.rssBytes };
  } finally {
    await node.stop();
  }
}

async function peerFrom(name: string, folder: string, port: number, height: number): Promise<Synced> {
  const peer = new Peer(folder);
  try {
    await peer.ask({ kind: "open", threads: VERIFYING_THREADS, port: await freePort() });
    const cpuBefore = peer.cpuSeconds();
    const begun = performance.now();
    await peer.ask({ kind: "dial", port });
    let rssBytes = 0;
    await until(async () => {
      const answer = await peer.ask({ kind: "height" });
      rssBytes = answer.rssBytes;
      return answer.height === height;
    }, "bcoin in step");
    const seconds = (performance.now() - begun) / 1000;
    return { name, seconds, cpuSeconds: peer.cpuSeconds() - cpuBefore, rssBytes };
  } finally {
    await peer.stop();
  }
}

async function withPeer(dir: string, folder: string, blocks: readonly Buffer[], ours: OurNode): Promise<Synced[]> {
  const source = new Peer(folder);
  const port = await freePort();
  try {
    await source.ask({ kind: "open", threads: VERIFYING_THREADS, port });
    await source.ask({ kind: "add", blocks });
    return [
      await peerFrom("bcoin from ours", folder, ours.port, blocks.length),
      await oursFrom("ours from bcoin", join(dir, "from-bcoin"), port, blocks.length),
      await peerFrom("bcoin from bcoin", folder, port, blocks.length),
    ];
  } finally {
    await source.stop();
  }
}

export async function run(): Promise<string[]> {
  const { blocks } = makeChain({ blocks: BLOCKS - 433, payments: 1, every: 10, kinds: KINDS });
  const dir = mkdtempSync(join(tmpdir(), "bench-sync-"));
  const folder = findPeer();
  try {
    await fillFolder(join(dir, "source"), blocks);
    const source = await OurNode.start(join(dir, "source"));
    try {
      const rows = [await oursFrom("ours from ours", join(dir, "from-ours"), source.port, blocks.length)];
      if (folder !== undefined) rows.push(...(await withPeer(dir, folder, blocks, source)));
      return report(rows, blocks.length, folder !== undefined);
    } finally {
      await source.stop();
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function report(all: readonly Synced[], count: number, hasPeer: boolean): string[] {
  const slowest = all.at(-1) as Synced;
  const rows = all.map(({ name, seconds, cpuSeconds, rssBytes }) => [
    name,
    seconds.toFixed(1),
    Math.round(count / seconds),
    hasPeer ? times(slowest.seconds / seconds) : "–",
    Math.round((cpuSeconds * 1e6) / count),
    mib(rssBytes),
  ]);
  const head = ["who", "seconds", "blocks/s", "of bcoin from bcoin", "µs of CPU per block", "memory at the end"];
  return [
    `${count} blocks over loopback. Ours writes to disk with all indexes; bcoin keeps all in memory, without indexes.`,
    table(head, rows),
    "Bound of ours: one write per block, handed to LevelDB's thread and waited for; sockets; what to fetch next is 3 % of the time.",
    ...(hasPeer ? [] : [MISSING_PEER]),
  ];
}
