import { expect, it } from "vitest";
import { openFaults } from "../../src/faults/faults.ts";
import { StatusError } from "../../src/machinery/errors.ts";
import type { Registry } from "../../src/machinery/types.ts";

/** One fault, whose deletion ends as given. */
function faultsWith(deleted: () => Promise<void>) {
  const fault = { metadata: { name: "pause-1", uid: "u" }, spec: { kind: "pause" } };
  const store = { list: () => [fault], delete: deleted } as unknown as Registry;
  return openFaults(store, { settled: async () => undefined });
}

it("a fault that is gone already is cleared", async () => {
  await faultsWith(() => Promise.reject(new StatusError("NotFound", "gone"))).clear("pause-1");
});

it("clear rejects when the fault stays in force", async () => {
  const refusal = new StatusError("InternalError", "the disk is full");
  await expect(faultsWith(() => Promise.reject(refusal)).clear()).rejects.toBe(refusal);
});
