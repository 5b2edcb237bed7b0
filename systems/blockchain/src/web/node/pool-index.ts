/** Which waiting transactions touch a script: kept up with the mempool's events, because to look through all of it for every request would let anyone stall the node. */
import type { Mempool, MempoolEntry } from "../../mempool/types.ts";
import { hashKey } from "../../primitives/hash.ts";

export interface PoolIndex {
  of(script: Buffer): readonly MempoolEntry[];
  stop(): void;
}

export function indexPool(mempool: Pick<Mempool, "entries" | "subscribe">): PoolIndex {
  const byScript = new Map<string, Map<string, MempoolEntry>>();
  const add = (entry: MempoolEntry): void => {
    for (const key of scriptKeys(entry)) {
      const entries = byScript.get(key) ?? new Map<string, MempoolEntry>();
      byScript.set(key, entries.set(hashKey(entry.txid), entry));
    }
  };
  const remove = (entry: MempoolEntry): void => {
    for (const key of scriptKeys(entry)) {
      const entries = byScript.get(key);
      entries?.delete(hashKey(entry.txid));
      if (entries?.size === 0) byScript.delete(key);
    }
  };
  for (const entry of mempool.entries()) add(entry);
  const stop = mempool.subscribe(({ kind, entry }) => (kind === "added" ? add(entry) : remove(entry)));
  return { of: (script) => [...(byScript.get(script.toString("latin1"))?.values() ?? [])], stop };
}

const scriptKeys = ({ tx, coins }: MempoolEntry): Set<string> =>
  new Set([...tx.outputs, ...coins].map(({ script }) => script.toString("latin1")));

/** What a waiting transaction adds to, or takes from, a script. */
export const changeOf = ({ tx, coins }: MempoolEntry, script: Buffer): number =>
  valueFor(tx.outputs, script) - valueFor(coins, script);

const valueFor = (outputs: readonly { readonly value: number; readonly script: Buffer }[], script: Buffer): number =>
  outputs.reduce((total, output) => (output.script.equals(script) ? total + output.value : total), 0);
