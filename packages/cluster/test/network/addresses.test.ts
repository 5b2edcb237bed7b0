import { expect, test } from "vitest";
import { addressPlan } from "../../src/network/addresses.ts";
import { claimNetwork } from "../../src/network/claim.ts";

test("the plan's ranges do not overlap and know their own", () => {
  const plan = addressPlan(12);
  expect(plan).toMatchObject({ apiServer: "127.12.0.1", dns: "127.12.0.10", dnsPort: 53, domain: "cluster.local" });
  expect([plan.node(0), plan.pods.at(0), plan.pods.at(254)]).toEqual(["127.12.1.1", "127.12.16.1", "127.12.17.1"]);
  const ranges = [plan.pods, plan.services, plan.loadBalancers];
  for (const range of ranges)
    for (const address of [range.at(0), range.at(range.size - 1)])
      expect(ranges.filter((other) => other.contains(address))).toEqual([range]);
  expect(plan.loadBalancers.at(plan.loadBalancers.size - 1)).toBe("127.12.255.254");
  expect(plan.pods.contains("127.13.16.1")).toBe(false);
  expect(() => plan.pods.at(plan.pods.size)).toThrow(/outside/);
  expect(() => addressPlan(255)).toThrow(/1-254/);
});

test("two clusters get two networks, and a released one is free again", async () => {
  const first = await claimNetwork({ preferred: 200 });
  const second = await claimNetwork({ preferred: first.net });
  expect(second.net).not.toBe(first.net);
  await first.release();
  await first.release();
  const third = await claimNetwork({ preferred: first.net });
  expect(third.net).toBe(first.net);
  await Promise.all([second.release(), third.release()]);
});
