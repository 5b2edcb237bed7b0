import { LeaseLogError } from "@coracle/lease-log";
import { silentLogger } from "@coracle/pod";
import { describe, expect, it } from "vitest";
import { HEAD_START_MS, HONOURED_ANNOTATION, headStart, nextWishStep } from "../src/node/preferred.ts";
import { Wish } from "../src/node/wish.ts";
import { createDiskGuard } from "../src/store/disk.ts";

const state = { wanted: 1, honoured: "0", id: "kvstore-0", set: "kvstore", inSync: ["kvstore-0", "kvstore-1"] };

describe("the wish for a primary", () => {
  it.each([
    ["is carried out when the wanted pod is in sync", {}, { kind: "switchover", to: "kvstore-1", value: "1" }],
    ["waits for a pod that is not", { inSync: ["kvstore-0"] }, { kind: "wait" }],
    ["is noted by the wanted pod itself", { id: "kvstore-1" }, { kind: "note", value: "1" }],
    ["is not carried out twice, so that a failover stands", { honoured: "1" }, { kind: "nothing" }],
    ["need not exist", { wanted: undefined }, { kind: "nothing" }],
  ])("%s", (_, change, step) => {
    expect(nextWishStep({ ...state, ...change })).toMatchObject(step);
  });

  it.each([
    ["others wait on a first start", {}, false, 0, true],
    ["but not for ever", {}, false, HEAD_START_MS, false],
    ["not while somebody holds the Lease", {}, true, 0, false],
    ["not after a failover", { honoured: "1" }, false, 0, false],
    ["the wanted pod never waits", { id: "kvstore-1" }, false, 0, false],
  ])("%s", (_, change, isHeld, uptimeMs, waits) => {
    expect(headStart({ ...state, ...change }, isHeld, uptimeMs) !== undefined).toBe(waits);
  });

  it("is tried again only after a while when the switchover fails", async () => {
    let now = 0;
    let tries = 0;
    const wish = new Wish({
      id: "kvstore-0",
      set: "kvstore",
      election: {
        observed: { holder: "kvstore-0", epoch: 1, annotations: { [HONOURED_ANNOTATION]: "0" } },
        annotate: () => Promise.reject(new LeaseLogError("closed", "not expected here")),
      },
      log: {
        status: () => ({ role: "primary", inSync: state.inSync }) as never,
        switchover: async () => {
          tries++;
          throw new LeaseLogError("switchover-failed", "it is behind");
        },
      },
      env: { MASTER_ORDINAL: "1" },
      logger: silentLogger,
      now: () => now,
    });
    await wish.check();
    await wish.check();
    expect(tries).toBe(1);
    now += 60_000;
    await wish.check();
    expect(tries).toBe(2);
  });
});

describe("the disk guard", () => {
  it("refuses writes below the reserve, removals below half of it, and lifts that by itself", async () => {
    let free = 1000;
    const disk = createDiskGuard("/data", 100, async () => free);
    const refusals = async () => {
      await disk.check();
      return [disk.refusal(false) !== undefined, disk.refusal(true) !== undefined];
    };
    expect(await refusals()).toEqual([false, false]);
    free = 99;
    expect(await refusals()).toEqual([true, false]);
    free = 49;
    expect(await refusals()).toEqual([true, true]);
    free = 100;
    expect(await refusals()).toEqual([false, false]);
  });
});
