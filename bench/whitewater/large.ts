/** Requests for very many keys at once, while one client writes all the time: how long it waits, and whether the leader is lost over it. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Row } from "../parts/report.js";
import { Caller, PUT, putOf } from "./load.js";
import { endpointsOf, type System, sleep, V3 } from "./servers.js";

const VALUE = Buffer.alloc(1024, "v");
const FILLERS = 300;
const execute = promisify(execFile);
export const LARGE_HEAD = ["", "took s", "longest without a write ms", "elections"];

/** `keys` of 1 KiB each under one prefix. */
async function fill({ ports }: System, keys: number): Promise<void> {
  let next = 0;
  const put = async (_: unknown, i: number): Promise<void> => {
    const caller = await Caller.open(ports[i % ports.length] as number, PUT);
    while (next < keys) await caller.ask(putOf(`large/${String(next++).padStart(8, "0")}`, VALUE));
    caller.close();
  };
  await Promise.all(Array.from({ length: FILLERS }, put));
}

interface Writing {
  /** The longest time between two acknowledged writes so far, or since the last call. */
  gapMs(): number;
  stop(): Promise<void>;
}

function startWriting({ ports }: System): Writing {
  let [longestMs, lastAt, isOver] = [0, performance.now(), false];
  const write = async (): Promise<void> => {
    for (let n = 0; !isOver; n++) {
      const caller = await Caller.open(ports[n % ports.length] as number, PUT);
      const timer = setTimeout(() => caller.close(), 5000);
      if (await caller.ask(putOf("probe", Buffer.from(String(n))))) {
        longestMs = Math.max(longestMs, performance.now() - lastAt);
        lastAt = performance.now();
      }
      clearTimeout(timer);
      caller.close();
      await sleep(3);
    }
  };
  const writing = write();
  return {
    gapMs: () => {
      const gapMs = longestMs;
      [longestMs, lastAt] = [0, performance.now()];
      return gapMs;
    },
    stop: async () => {
      isOver = true;
      await writing;
    },
  };
}

export async function large(system: System, keys: number, dir: string): Promise<Row[]> {
  await fill(system, keys);
  const [one = 0] = system.ports;
  const etcdctl = async (ports: readonly number[], ...words: readonly string[]): Promise<string> => {
    const all = ["--endpoints", endpointsOf(ports), "--command-timeout=60s", ...words];
    return (await execute("etcdctl", all, { env: V3, maxBuffer: 2 ** 30, encoding: "latin1" })).stdout;
  };
  interface Status {
    readonly Status: { readonly raftTerm: number; readonly header: { readonly revision: number } };
  }
  const status = async (): Promise<Status["Status"]> =>
    (JSON.parse(await etcdctl([one], "endpoint", "status", "-w", "json")) as readonly Status[])[0]?.Status as never;
  const requests: readonly (readonly [string, () => Promise<unknown>])[] = [
    ["get all, keys only", () => etcdctl([one], "get", "large/", "--prefix", "--keys-only")],
    ["get 50,000", () => etcdctl([one], "get", "large/", "--prefix", "--limit=50000", "-w", "protobuf")],
    ["hashkv of all members", () => etcdctl(system.ports, "endpoint", "hashkv")],
    ["snapshot save", () => etcdctl([one], "snapshot", "save", join(dir, `${system.name}.db`))],
    ["del all", () => etcdctl([one], "del", "large/", "--prefix")],
    ["compact", async () => etcdctl([one], "compact", String((await status()).header.revision))],
  ];
  const writing = startWriting(system);
  const rows: Row[] = [];
  for (const [what, run] of requests) {
    await sleep(500);
    const { raftTerm } = await status();
    writing.gapMs();
    const startedAt = performance.now();
    await run();
    const tookMs = performance.now() - startedAt;
    // What it leaves to be done afterwards counts too.
    await sleep(1500);
    const gapMs = writing.gapMs();
    const elections = (await status()).raftTerm - raftTerm;
    rows.push([`${what}, ${system.name}`, (tookMs / 1000).toFixed(1), Math.round(gapMs), elections]);
    console.error(rows.at(-1)?.join(" "));
  }
  await writing.stop();
  return rows;
}
