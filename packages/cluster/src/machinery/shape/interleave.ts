/** Merges two lists without common items: `known` keeps its order, each of `others` goes before whatever it stood before. */
export function interleave<T>(others: readonly T[], known: readonly T[], place: (item: T) => number): T[] {
  const result: T[] = [];
  let next = 0;
  for (const item of known) {
    while (next < others.length && place(others[next] as T) < place(item)) result.push(others[next++] as T);
    result.push(item);
  }
  return [...result, ...others.slice(next)];
}
