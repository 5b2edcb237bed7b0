/** Finds the watches that cover a key without asking each: by the key itself, by each of its prefixes that is watched, and the other ranges one by one. */
import { prefixEnd } from "../keys.ts";
import type { Watching } from "./watching.ts";

export class WatchesByKey {
  private readonly single = new Map<string, Set<Watching>>();
  private readonly prefixes = new Map<string, Set<Watching>>();
  /** How many watched prefixes have each length. */
  private readonly lengths = new Map<number, number>();
  private readonly others = new Set<Watching>();

  get isEmpty(): boolean {
    return this.single.size + this.prefixes.size + this.others.size === 0;
  }

  add(watching: Watching): void {
    if (watching.isSingle) group(this.single, watching.key).add(watching);
    else if (!isPrefix(watching)) this.others.add(watching);
    else {
      const { length } = watching.key;
      if (!this.prefixes.has(watching.key)) this.lengths.set(length, (this.lengths.get(length) ?? 0) + 1);
      group(this.prefixes, watching.key).add(watching);
    }
  }

  remove(watching: Watching): void {
    this.others.delete(watching);
    if (watching.isSingle) leave(this.single, watching);
    else if (leave(this.prefixes, watching)) this.forget(watching.key.length);
  }

  visit(key: string, found: (watching: Watching) => void): void {
    for (const watching of this.single.get(key) ?? []) found(watching);
    for (const length of this.lengths.keys()) {
      if (length > key.length) continue;
      for (const watching of this.prefixes.get(key.slice(0, length)) ?? []) found(watching);
    }
    for (const watching of this.others) if (watching.covers(key)) found(watching);
  }

  private forget(length: number): void {
    const left = (this.lengths.get(length) ?? 0) - 1;
    if (left > 0) this.lengths.set(length, left);
    else this.lengths.delete(length);
  }
}

const isPrefix = ({ key, end }: Watching): boolean => end !== undefined && key !== "" && prefixEnd(key) === end;

function group(groups: Map<string, Set<Watching>>, key: string): Set<Watching> {
  const known = groups.get(key);
  if (known !== undefined) return known;
  const made = new Set<Watching>();
  groups.set(key, made);
  return made;
}

/** True when the key's last watch left. */
function leave(groups: Map<string, Set<Watching>>, watching: Watching): boolean {
  const known = groups.get(watching.key);
  if (known === undefined || !known.delete(watching) || known.size > 0) return false;
  groups.delete(watching.key);
  return true;
}
