/** Steps that the simulation does not come across, or not at every run: pods of two sets that discovery shows together, and a seat that was lost. */
import { expect, it } from "vitest";
import { nextStep } from "../../src/membership/formation.ts";
import { NO_BALLOT, type Report } from "../../src/membership/types.ts";

const seat = (name: string) => ({ id: `disk of ${name}`, name, address: `${name}:8090` });
const report = (name: string, clusterId?: string): Report => ({
  self: seat(name),
  size: 1,
  promised: NO_BALLOT,
  known: [],
  ...(clusterId !== undefined && { cluster: { clusterId, seats: [seat(name)], hasLeader: true, you: "unknown" } }),
});

/** What `name` does next, which belongs to nothing yet and hears these. */
function stepOf(name: string, ...heard: readonly Report[]) {
  const record = { disk: seat(name).id, promised: NO_BALLOT };
  const reports = new Map([report(name), ...heard].map((each) => [each.self.name, each]));
  const asked = { ask: { kind: "standing" }, record } as const;
  const first = [name.replace(/\d+$/, "0")];
  return nextStep({ self: seat(name), record, asked, size: 1, first, others: [], reports, clusterIdOf: () => "c" });
}

it("a pod neither joins nor forms a cluster beside pods of another set, and says whose", () => {
  for (const stranger of [report("green-0"), report("green-0", "theirs")])
    expect(stepOf("blue-0", stranger)).toMatchObject({ kind: "wait", reason: expect.stringContaining("green-0") });
});

it("a pod whose own set has a cluster asks that one, whatever else is shown", () => {
  expect(stepOf("blue-1", report("blue-0", "ours"), report("green-0", "theirs"))).toEqual({
    kind: "ask",
    ask: { kind: "join" },
  });
});

it("a pod that was admitted and removed before it sat asks under another id, though a member that lags still knows it", () => {
  const says = (name: string, you: "removed" | "member"): Report => {
    const { cluster, ...rest } = report(name, "ours");
    return { ...rest, ...(cluster && { cluster: { ...cluster, you } }) };
  };
  expect(stepOf("blue-2", says("blue-0", "removed"))).toEqual({ kind: "renew" });
  expect(stepOf("blue-2", says("blue-0", "removed"), says("blue-1", "member"))).toEqual({ kind: "renew" });
});

it("names without an ordinal belong to no set", () => {
  expect(stepOf("one", report("two", "theirs"))).toEqual({ kind: "ask", ask: { kind: "join" } });
});
