/** `kvstore switchover`: the primary hands over; a write that changes nothing, sent again and again, tells how long none was acknowledged. */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { KvStoreError } from "../errors.ts";
import { askOnce, type Target } from "./client.ts";
import { readStatus } from "./status.ts";

export interface SwitchoverResult {
  readonly from: string;
  readonly to: string;
  /** The longest time between two acknowledged writes. */
  readonly pauseMs: number;
}

const PROBE_MS = 2;
const MAX_WAIT_MS = 30_000;

/** `target` must be the primary. Rejects with `refused` and the reason when it can't be done; nothing has changed then. */
export async function switchover(target: Target, to: string | undefined): Promise<SwitchoverResult> {
  const { id: from, role, primary } = await readStatus(target);
  if (role !== "primary")
    throw new KvStoreError("refused", `${from} is a replica. Ask the primary, ${primary ?? "once there is one"}.`);
  if (to === from) return { from, to, pauseMs: 0 };
  const prober = probe(target);
  try {
    await prober.succeeded();
    await askOnce(target, "FAILOVER", ...(to === undefined ? [] : ["TO", to]));
    await prober.succeeded();
    return { from, to: await newPrimary(target, from), pauseMs: Math.ceil(prober.longestGapMs()) };
  } finally {
    await prober.stop();
  }
}

/** Writes a removal of a key that is not there, at the primary wherever it is. */
function probe(target: Target) {
  const key = `kvstore:switchover:${randomUUID()}`;
  const waiting: (() => void)[] = [];
  let isStopping = false;
  let last: number | undefined;
  let longest = 0;
  const once = async (): Promise<void> => {
    // Only a write that was sent after somebody began to wait tells that writes go on.
    const waiters = waiting.splice(0);
    try {
      await askOnce(target, "DEL", key);
      const now = performance.now();
      longest = Math.max(longest, now - (last ?? now));
      last = now;
      for (const resolve of waiters) resolve();
    } catch {
      waiting.unshift(...waiters);
    }
  };
  const loop = (async () => {
    while (!isStopping) {
      await once();
      await delay(PROBE_MS);
    }
  })();
  return {
    succeeded: () => within(MAX_WAIT_MS, new Promise<void>((resolve) => void waiting.push(resolve))),
    longestGapMs: () => longest,
    stop: async () => {
      isStopping = true;
      await loop;
    },
  };
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  const end = new AbortController();
  const late = delay(ms, undefined, { signal: end.signal }).then(() => {
    throw new KvStoreError("refused", `No write was acknowledged for ${ms / 1000} s. See: kvstore status`);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    end.abort();
    late.catch(() => undefined);
  }
}

async function newPrimary(target: Target, from: string): Promise<string> {
  for (const until = performance.now() + MAX_WAIT_MS; performance.now() < until; await delay(PROBE_MS)) {
    const { primary } = await readStatus(target);
    if (primary !== undefined && primary !== from) return primary;
  }
  throw new KvStoreError("refused", `${from} leads still. See: kvstore status`);
}
