/** The parts of fault injection that need no cluster. */
import { describe, expect, test } from "vitest";
import type { Call } from "../../src/apiserver/context.ts";
import { striker } from "../../src/faults/budget.ts";
import { clientFilter } from "../../src/faults/effects/api.ts";
import { commonParameters, faultTable } from "../../src/faults/index.ts";
import { delayFrom, diskVerdict, joined, skewed } from "../../src/faults/pod-faults.ts";
import { validateFault, validateFaultUpdate } from "../../src/faults/validation.ts";

test("every kind says what it does, how, and how it ends; no parameter means two things", () => {
  const meanings = new Map<string, string>();
  for (const { summary, means, undone, parameters } of Object.values(faultTable)) {
    expect([summary, means, undone].every((text) => text.length > 5)).toBe(true);
    for (const [name, { takes }] of Object.entries({ ...commonParameters, ...parameters })) {
      if (name === "code") continue;
      const range = takes.replace(/\d+/g, "N");
      expect(meanings.get(name) ?? range, name).toBe(range);
      meanings.set(name, range);
    }
  }
});

describe("validation", () => {
  const refusals = (spec: object | undefined) =>
    validateFault({ metadata: { name: "f" }, spec }).map(({ field, body }) => `${field}: ${body}`);

  test("accepts what the table describes", () => {
    expect(refusals({ kind: "pause", pods: ["a"], durationMs: 5 })).toEqual([]);
    expect(refusals({ kind: "api-error", code: 409, probability: 0.5, resources: ["leases"] })).toEqual([]);
    expect(refusals({ kind: "partition", selector: "app=web", fromSelector: "app in (a, b)" })).toEqual([]);
  });

  test.each([
    [undefined, "spec: Required value"],
    [{}, "spec.kind: Required value"],
    [{ kind: "constructor" }, 'spec.kind: Unsupported value: "constructor"'],
    [{ kind: "kill" }, "spec.pods: Required value"],
    [{ kind: "kill", pods: [] }, "spec.pods: Invalid value: []: must be a list of 1 to 256 texts"],
    [{ kind: "kill", pods: ["a"], signal: 9 }, "spec.signal: Forbidden: this kind takes"],
    [{ kind: "node-stop" }, "spec.node: Required value: the node's name"],
    [{ kind: "api-error", code: 418 }, "spec.code: Invalid value: 418: must be one of 409"],
    [{ kind: "clock-skew", pods: ["a"], offsetMs: 0.5 }, "spec.offsetMs: Invalid value: 0.5: must be a whole number"],
    [{ kind: "pause", selector: "==" }, 'spec.selector: Invalid value: "=="'],
  ])("refuses %j", (spec, message) => {
    expect(refusals(spec).join()).toContain(message);
  });

  test("a fault cannot be changed", () => {
    const of = (spec: object) => ({ metadata: { name: "f" }, spec });
    expect(validateFaultUpdate(of({ kind: "kill" }), of({ kind: "kill" }))).toEqual([]);
    expect(validateFaultUpdate(of({ kind: "kill" }), of({ kind: "pause" }))).toHaveLength(1);
  });
});

describe("how often a fault strikes", () => {
  const strikes = (budget: Parameters<typeof striker>[0], times: number): boolean[] => {
    const strike = striker(budget);
    return Array.from({ length: times }, strike);
  };

  test("always, or a number of times", () => {
    expect(strikes({}, 3)).toEqual([true, true, true]);
    expect(strikes({ count: 2 }, 4)).toEqual([true, true, false, false]);
  });

  test("with a probability, the same calls for the same seed", () => {
    const some = strikes({ probability: 0.3, seed: 7 }, 1000);
    const share = some.filter(Boolean).length / 1000;
    expect(share).toBeGreaterThan(0.25);
    expect(share).toBeLessThan(0.35);
    expect(strikes({ probability: 0.3, seed: 7 }, 1000)).toEqual(some);
    expect(strikes({ probability: 0.3, seed: 8 }, 1000)).not.toEqual(some);
    expect(strikes({ probability: 0 }, 100)).not.toContain(true);
  });
});

describe("what a pod reads", () => {
  test("time is offset and stretched, and several skews add up", () => {
    expect(skewed(undefined, 1000)).toBe(1000);
    expect(skewed([{ offsetMs: -50, rate: 1, sinceMs: 0 }], 1000)).toBe(950);
    expect(skewed([{ offsetMs: 0, rate: 2, sinceMs: 900 }], 1000)).toBe(1100);
    expect(skewed([{ offsetMs: 0, rate: 0, sinceMs: 900 }], 1000)).toBe(900);
    const both = [
      { offsetMs: 5, rate: 1, sinceMs: 0 },
      { offsetMs: 0, rate: 3, sinceMs: 990 },
    ];
    expect(skewed(both, 1000)).toBe(1025);
  });

  test("a disk fault meets its own kind of call below its folders", () => {
    const faults = [
      { on: "write", folders: ["/data"], code: "ENOSPC" },
      { on: "sync", delayMs: 5 },
      { on: "sync", folders: ["/data"], delayMs: 7, code: "EIO" },
    ] as const;
    expect(diskVerdict(faults, "write", "/data/a")).toEqual({ delayMs: 0, code: "ENOSPC" });
    expect(diskVerdict(faults, "write", "/database")).toEqual({ delayMs: 0, code: undefined });
    expect(diskVerdict(faults, "write", undefined)).toEqual({ delayMs: 0, code: undefined });
    expect(diskVerdict(faults, "sync", "/data/a")).toEqual({ delayMs: 12, code: "EIO" });
    expect(diskVerdict(faults, "sync", "/tmp/a")).toEqual({ delayMs: 5, code: undefined });
  });

  test("delays of one peer add up", () => {
    const faults = [{ delayMs: 5 }, { delayMs: 7, peers: ["10.0.0.1"] }];
    expect([delayFrom(faults, "10.0.0.1"), delayFrom(faults, "10.0.0.2"), delayFrom(undefined, "")]).toEqual([
      12, 5, 0,
    ]);
  });

  test("faults of one pod are joined, and nothing is nothing", () => {
    expect(joined([{}, {}])).toEqual({});
    expect(joined([{ network: [{ delayMs: 1 }] }, { network: [{ delayMs: 2 }] }])).toEqual({
      network: [{ delayMs: 1 }, { delayMs: 2 }],
    });
  });
});

describe("clients of the API", () => {
  const pod = { metadata: { name: "db-0", namespace: "demo", uid: "u0" }, status: { podIP: "127.9.16.1" } };
  const store = { list: () => [pod] } as never;
  const call = (changes: { user?: object; info?: object; agent?: string; address?: string } = {}) =>
    ({
      user: { username: "system:serviceaccount:demo:db", groups: [], ...changes.user },
      info: { verb: "update", resource: "leases", ...changes.info },
      request: {
        headers: { "user-agent": changes.agent ?? "coracle-pod/1" },
        socket: { remoteAddress: changes.address ?? "127.0.0.1" },
      },
    }) as unknown as Call;
  const withToken = { user: { extra: { "authentication.kubernetes.io/pod-uid": ["u0"] } } };
  const withOther = { user: { extra: { "authentication.kubernetes.io/pod-uid": ["u1"] } }, address: "127.9.16.1" };

  test.each([
    [{}, {}, true],
    [{ namespace: "demo", serviceAccount: "db" }, {}, true],
    [{ serviceAccount: "demo/db" }, {}, true],
    [{ serviceAccount: "db" }, {}, false],
    [{ user: "kubernetes-admin" }, {}, false],
    [{ user: "kubernetes-admin" }, { user: { username: "kubernetes-admin" } }, true],
    [{ userAgent: "coracle-" }, {}, true],
    [{ userAgent: "kubectl" }, {}, false],
    [{ verbs: ["create", "update"], resources: ["leases"] }, {}, true],
    [{ verbs: ["create"] }, {}, false],
    [{ resources: ["pods"] }, {}, false],
    [{ namespace: "demo", pods: ["db-0"] }, withToken, true],
    [{ namespace: "demo", pods: ["db-0"] }, withOther, false],
    [{ namespace: "demo", pods: ["db-0"] }, { address: "127.9.16.1" }, true],
    [{ namespace: "demo", pods: ["db-0"] }, {}, false],
    [{ namespace: "demo", pods: ["db-1"] }, withToken, false],
  ])("%j takes in a call with %j: %s", (target, changes, expected) => {
    expect(clientFilter(target, store)(call(changes))).toBe(expected);
  });
});
