/**
 * Which transactions a block takes: always the one that pays best together with all that it still needs, as long as there is room (Bitcoin
 * Core's ancestor fee rates). As ancestors go in, the rate of what depends on them rises; those are kept apart, with what is left of their needs.
 */
import { IndexedHeap } from "../../mempool/graph/heap.ts";
import type { Mempool, MempoolEntry } from "../../mempool/types.ts";

export interface Room {
  readonly weight: number;
  readonly sigopCost: number;
}

export interface Selection {
  /** Parents before children. */
  readonly entries: readonly MempoolEntry[];
  readonly fees: number;
  readonly weight: number;
  readonly sigopCost: number;
}

/** When so many in a row did not fit into an almost full block, it is full. */
const MAX_MISFITS = 1000;
const ALMOST_FULL_WEIGHT = 4000;

/** An entry with what the block still lacks of its ancestors. */
interface Package {
  readonly entry: MempoolEntry;
  fees: number;
  vsize: number;
}

const isHigher = (a: Package, b: Package): boolean => a.fees * b.vsize > b.fees * a.vsize;

export function selectTransactions(
  pool: Pick<Mempool, "byAncestorRate" | "ancestorsOf" | "descendantsOf">,
  room: Room,
): Selection {
  const taken = new Set<MempoolEntry>();
  const unfit = new Set<MempoolEntry>();
  const changed = new Map<MempoolEntry, Package>();
  const best = new IndexedHeap<Package>(isHigher);
  const fresh = pool.byAncestorRate();
  const total = { fees: 0, weight: 0, sigopCost: 0 };
  const isOpen = (entry: MempoolEntry): boolean => !taken.has(entry) && !unfit.has(entry);
  let next = nextFresh();
  let misfits = 0;
  while (next || best.first) {
    const chosen = best.first && (!next || isHigher(best.first, next)) ? best.first : (next as Package);
    best.remove(chosen);
    changed.delete(chosen.entry);
    if (chosen === next) next = nextFresh();
    const parts = lacking(chosen.entry);
    if (!fits(parts)) {
      unfit.add(chosen.entry);
      if (++misfits > MAX_MISFITS && total.weight > room.weight - ALMOST_FULL_WEIGHT) break;
      continue;
    }
    misfits = 0;
    for (const part of parts) take(part);
    for (const part of parts) relieve(part);
  }
  return { entries: [...taken], ...total };

  function nextFresh(): Package | undefined {
    for (let step = fresh.next(); !step.done; step = fresh.next()) {
      const entry = step.value;
      // What changed is ranked anew among the changed.
      if (isOpen(entry) && !changed.has(entry))
        return { entry, fees: entry.ancestors.fees, vsize: entry.ancestors.vsize };
    }
    return undefined;
  }

  /** The entry and what it needs that is not in the block yet, parents first. */
  function lacking(entry: MempoolEntry): MempoolEntry[] {
    const all = [...pool.ancestorsOf(entry), entry].filter((part) => !taken.has(part));
    return all.sort((a, b) => a.ancestors.count - b.ancestors.count);
  }

  function fits(parts: readonly MempoolEntry[]): boolean {
    const sum = (of: (entry: MempoolEntry) => number): number => parts.reduce((all, part) => all + of(part), 0);
    return (
      total.weight + sum(({ weight }) => weight) <= room.weight &&
      total.sigopCost + sum(({ sigopCost }) => sigopCost) <= room.sigopCost
    );
  }

  function take(entry: MempoolEntry): void {
    taken.add(entry);
    const known = changed.get(entry);
    if (known) best.remove(known);
    changed.delete(entry);
    total.fees += entry.fee;
    total.weight += entry.weight;
    total.sigopCost += entry.sigopCost;
  }

  /** Takes the entry out of what its descendants still need. */
  function relieve(entry: MempoolEntry): void {
    for (const child of pool.descendantsOf(entry)) {
      if (!isOpen(child)) continue;
      const known = changed.get(child) ?? { entry: child, fees: child.ancestors.fees, vsize: child.ancestors.vsize };
      known.fees -= entry.modifiedFee;
      known.vsize -= entry.vsize;
      if (next?.entry === child) next = nextFresh();
      if (changed.has(child)) best.update(known);
      else {
        changed.set(child, known);
        best.add(known);
      }
    }
  }
}
