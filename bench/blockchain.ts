/**
 * The whole of blockchain's speed on one page, in about six minutes: npm run bench -- blockchain [part …]
 *
 * Each part runs in a process of its own, so that no part's memory or compiled code touches another's. Where there is one, a part compares
 * itself with its limit and its peer in the same rounds: ratios are the result, since rates say as much about the machine.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { findPeer, MISSING_PEER } from "./blockchain/peer.ts";
import { publish } from "./parts/report.ts";

interface Part {
  readonly title: string;
  readonly run: () => Promise<string[]>;
}

const PARTS: Readonly<Record<string, Part>> = {
  validate: { title: "Validation", run: async () => (await import("./blockchain/validate.ts")).run() },
  scripts: { title: "Scripts by kind of output", run: async () => (await import("./blockchain/scripts.ts")).run() },
  coins: { title: "Coins", run: async () => (await import("./blockchain/coins.ts")).run() },
  sync: { title: "Sync of 10,000 blocks", run: async () => (await import("./blockchain/sync.ts")).run() },
  rest: { title: "REST", run: async () => (await import("./blockchain/rest.ts")).run() },
  hash: { title: "Mining", run: async () => (await import("./blockchain/hash.ts")).run() },
  wallets: { title: "Wallets", run: async () => (await import("./blockchain/wallets.ts")).run() },
  start: { title: "Start and rest", run: async () => (await import("./blockchain/start.ts")).run() },
};

async function inProcess(part: string): Promise<readonly string[]> {
  process.stderr.write(`${part} …\n`);
  const child = fork(fileURLToPath(import.meta.url), [], { env: { ...process.env, BENCH_PART: part } });
  let sections: readonly string[] = [];
  child.on("message", (message) => {
    sections = message as readonly string[];
  });
  const [code] = await once(child, "exit");
  if (code !== 0) return ["**This part failed; see the terminal.**"];
  return sections;
}

async function main(): Promise<void> {
  const wanted = process.argv.slice(2);
  const parts = wanted.length > 0 ? wanted : Object.keys(PARTS);
  const unknown = parts.filter((part) => !Object.hasOwn(PARTS, part));
  if (unknown.length > 0) throw new TypeError(`no such part: ${unknown}; there are ${Object.keys(PARTS).join(", ")}`);
  if (findPeer() === undefined) process.stderr.write(`${MISSING_PEER}\n`);
  const loadBefore = loadavg()[0] as number;
  const page: string[] = [];
  for (const part of parts) page.push(`## ${PARTS[part]!.title}`, ...(await inProcess(part)));
  publish("blockchain", ["npm run bench -- blockchain", ...wanted].join(" "), loadBefore, page);
}

const part = process.env.BENCH_PART;
if (part === undefined) await main();
else {
  process.on("disconnect", () => process.exit());
  const sections = await PARTS[part]!.run();
  process.send?.(sections, () => process.exit(0));
}
