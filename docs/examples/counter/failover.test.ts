/** The counter on a Kubernetes of its own: its leader is killed and cut off under load, and no acknowledged increment is lost. */
import { readFile } from "node:fs/promises";
import { type Cluster, startCluster } from "@coracle/cluster";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { compileExample } from "../../../scripts/testing/example.ts";

let cluster: Cluster;
let url: string;

beforeAll(async () => {
  const program = await compileExample("counter");
  cluster = await startCluster({
    isolation: "plain", // Pods start fastest.
    restartBackoffMs: 200,
    images: { "example/counter": { command: [process.execPath, program] } },
  });
  for (const document of parseAllDocuments(await readFile(new URL("counter.yaml", import.meta.url), "utf8"))) {
    const object = document.toJS();
    object.metadata.namespace = "default";
    const [group] = object.apiVersion.includes("/") ? object.apiVersion.split("/") : [undefined];
    const resource = `${object.kind.toLowerCase()}s`;
    await cluster.registry.create(group ? `${resource}.${group}` : resource, object);
  }
  const service = cluster.registry.get("services", "default", "counter");
  url = `http://${service?.spec?.clusterIP}:8000`;
  await served();
}, 60_000);

afterAll(() => cluster?.stop());

/** What the clients were told: an increment without an answer may count, or not. */
const told = { acknowledged: 0, unknown: 0 };

async function addOne(): Promise<void> {
  const answer = await fetch(url, { method: "POST", signal: AbortSignal.timeout(2000) }).catch(() => undefined);
  if (answer?.ok) told.acknowledged++;
  else if (answer?.status !== 503) told.unknown++;
}

const read = async (): Promise<number | undefined> => {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2000) }).catch(() => undefined);
  return answer?.ok ? Number(await answer.text()) : undefined;
};

const leader = (): string =>
  cluster.registry.get("leases.coordination.k8s.io", "default", "counter-leader")?.spec?.holderIdentity ?? "";

/** Adds until one more is acknowledged: somebody leads, and can be reached. */
async function served(): Promise<void> {
  const before = told.acknowledged;
  const end = performance.now() + 40_000;
  while (told.acknowledged === before) {
    if (performance.now() > end) throw new RangeError("nobody serves");
    await addOne();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

it("loses nothing when its leader is killed, nor when it is cut off", { timeout: 60_000 }, async () => {
  for (let i = 0; i < 20; i++) await addOne();
  await cluster.faults.add({ kind: "kill", namespace: "default", pods: [leader()] });
  await served();

  const former = leader();
  const cut = await cluster.faults.add({ kind: "partition", namespace: "default", pods: [former] });
  await served();
  await cluster.faults.clear(cut.id);
  for (let i = 0; i < 20; i++) await addOne();

  const value = await read();
  expect(value).toBeGreaterThanOrEqual(told.acknowledged);
  expect(value).toBeLessThanOrEqual(told.acknowledged + told.unknown);
});
