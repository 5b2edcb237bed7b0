import { describe, expect, it } from "vitest";
import { Due } from "../src/store/due.ts";

/** A heap over a plain map, which decides what is current. */
function dueOver(current: Map<string, number>) {
  const due = new Due((id, expiresAt) => current.get(id) === expiresAt);
  const set = (id: string, expiresAt: number) => {
    current.set(id, expiresAt);
    due.add({ id, expiresAt }, current.size);
  };
  return { due, set };
}

const sorted = (current: Map<string, number>, time: number) =>
  [...current]
    .filter(([, expiresAt]) => expiresAt < time)
    .sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1))
    .map(([id]) => id);

describe("keys by their expiry", () => {
  it("come in order, ties by key, changed and removed ones where they are now", () => {
    const current = new Map<string, number>();
    const { due, set } = dueOver(current);
    let state = 7;
    const pick = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let i = 0; i < 3000; i++) {
      if (pick(4) === 0) current.delete(`k${pick(200)}`);
      else set(`k${pick(200)}`, pick(50));
      if (i % 100 > 0) continue;
      const time = pick(60);
      expect([...due.before(time)].map(({ id }) => id)).toEqual(sorted(current, time));
    }
  });

  it("set again and again take no room for each time", () => {
    const { due, set } = dueOver(new Map());
    for (let i = 0; i < 100_000; i++) set("same", i);
    expect(due.places).toBeLessThan(200);
    expect([...due.before(1e9)]).toEqual([{ id: "same", expiresAt: 99_999 }]);
  });
});
