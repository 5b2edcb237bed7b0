/** The life of a fault, over the real registry, with machines that only write down what is asked of them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type FaultInjection, openFaultInjection } from "../../src/faults/injection.ts";
import { type Fault, faultApiVersion, faultResource, type Machines } from "../../src/faults/types.ts";
import { openStore } from "../../src/machinery/open-store.ts";
import type { ApiStore } from "../../src/machinery/store.ts";
import { manualClock, plan } from "../machinery/support.ts";

let dir: string;
let store: ApiStore;
let time: ReturnType<typeof manualClock>;
let injection: FaultInjection;
let done: string[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "faults-"));
  time = manualClock();
  store = await openStore({ plan, clock: time.clock });
  injection = openFaultInjection({ store, clock: time.clock, plan, dir });
  done = [];
  await store.create("pods", {
    metadata: { name: "a", namespace: "default" },
    spec: { containers: [{ name: "main", image: "busybox" }] },
  });
});

afterEach(async () => {
  await injection.stop();
  await store.close();
  await rm(dir, { recursive: true, force: true });
});

const writeDown =
  (what: string) =>
  ({ namespace, name }: { namespace: string; name: string }): boolean => {
    done.push(`${what} ${namespace}/${name}`);
    return true;
  };
const machines: Machines = {
  killPod: writeDown("kill"),
  freezePod: writeDown("freeze"),
  thawPod: writeDown("thaw"),
  mountsOf: () => [],
  stopNode: async () => {},
  startNode: async () => {},
};

test("a fault that is deleted right after it was created is injected and then undone", async () => {
  await injection.start(machines);
  const spec = { kind: "pause", pods: ["a"] } as const;
  await store.create(faultResource, { apiVersion: faultApiVersion, kind: "Fault", metadata: { name: "brief" }, spec });
  await store.delete(faultResource, "", "brief");
  await injection.stop();
  expect(done).toEqual(["freeze default/a", "thaw default/a"]);
});

test("when its time is up a fault is undone, stays listed for a minute, and is then gone", async () => {
  const faults = await injection.start(machines);
  const { id } = await faults.add({ kind: "pause", pods: ["a"], durationMs: 5000 });
  time.advance(4999);
  expect(faults.list().map(({ status }) => status.phase)).toEqual(["Active"]);
  const over = changeOf((fault) => fault.status?.phase === "Over");
  time.advance(1);
  await over;
  expect(done).toEqual(["freeze default/a", "thaw default/a"]);
  expect(faults.list()).toMatchObject([{ id, status: { phase: "Over", affected: ["default/a"] } }]);
  const removed = changeOf((_, type) => type === "DELETED");
  time.advance(60_000);
  await removed;
  expect(faults.list()).toEqual([]);
  expect(done).toHaveLength(2);
});

/** Resolves at the next such change of a fault, once what it sets off has been done. */
async function changeOf(isWanted: (fault: Fault, type: string) => boolean): Promise<void> {
  await new Promise<void>((resolve) => {
    const unsubscribe = store.subscribe(faultResource, ({ object, type }) => {
      if (!isWanted(object, type)) return;
      queueMicrotask(() => unsubscribe());
      resolve();
    });
  });
  await new Promise((resolve) => setImmediate(resolve));
}

test("faults of a cluster that crashed are removed, and what it left paused goes on", async () => {
  const spec = { kind: "pause", pods: ["a"] } as const;
  await store.create(faultResource, { apiVersion: faultApiVersion, kind: "Fault", metadata: { name: "left" }, spec });
  await store.modify(
    faultResource,
    "",
    "left",
    (draft) => void Object.assign(draft, { status: { phase: "Active", affected: ["default/a"] } }),
    { subresource: "status" },
  );
  const faults = await injection.start(machines);
  expect(faults.list()).toEqual([]);
  expect(done).toEqual(["thaw default/a"]);
});

test("stopping undoes what is in force", async () => {
  const faults = await injection.start(machines);
  await faults.add({ kind: "pause", selector: "!x" });
  await faults.add({ kind: "partition", pods: ["a"] });
  expect(store.list("networkpolicies.networking.k8s.io")).toHaveLength(1);
  await injection.stop();
  expect(done).toEqual(["freeze default/a", "thaw default/a"]);
  expect(store.list("networkpolicies.networking.k8s.io")).toEqual([]);
  expect(store.list(faultResource)).toEqual([]);
});
