/** Who is told that it was removed empties its disk: when is it told so? */
import type { Member, RaftStatus } from "@coracle/raft";
import { expect, it } from "vitest";
import { verdictOn } from "../../src/membership/verdict.ts";

const members = (...ids: readonly string[]): readonly Member[] =>
  ids.map((id) => ({ id, name: `pod of ${id}`, address: "a:1", isLearner: false }));

interface Known {
  /** In force here, committed or not. */
  readonly inForce: readonly string[];
  readonly committed: readonly string[];
  readonly removed?: readonly string[];
}

/** What is known before a majority was asked, and then; without `then` no majority answers. */
function verdict(id: string, before: Known, then?: Known) {
  let known = before;
  const status = () =>
    ({
      members: members(...known.inForce),
      committed: { members: members(...known.committed), removed: known.removed ?? [] },
    }) as unknown as RaftStatus;
  const readBarrier = async (): Promise<void> => {
    if (!then) throw new DOMException("no majority", "TimeoutError");
    known = then;
  };
  return verdictOn({ status, readBarrier }, id);
}

const THREE = { inForce: ["a", "b", "c"], committed: ["a", "b", "c"] };
const TWO = { inForce: ["a", "b"], committed: ["a", "b"] };

it("who was removed is told so once a majority confirms it", async () => {
  const gone = { ...TWO, removed: ["c"] };
  expect(await verdict("c", gone, gone)).toBe("removed");
  expect(await verdict("c", gone)).toBe("unknown");
});

it("a removal that is not committed removes nobody: the next leader may undo it", async () => {
  const underWay = { inForce: ["a", "b"], committed: ["a", "b", "c"] };
  expect(await verdict("c", underWay, underWay)).toBe("member");
});

it("whom it never knew is absent, whom it hears of meanwhile a member", async () => {
  expect(await verdict("c", TWO, TWO)).toBe("absent");
  expect(await verdict("c", TWO, THREE)).toBe("member");
});
