/** The client and the election against a whole API server, the embedded cluster's: TLS, tokens, validation, watches. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Cluster, startCluster } from "@coracle/cluster";
import { connectKube, type KubeClient, resources } from "@coracle/kube";
import type { Pod } from "kubernetes-types/core/v1.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kubeLease } from "../src/election/access.ts";
import { createElection } from "../src/election/election.ts";
import { incarnationAnnotation } from "../src/election/lease.ts";
import type { Election } from "../src/election/types.ts";
import { keepRoleLabel } from "../src/role-label.ts";
import { until } from "./capture.ts";

let cluster: Cluster;
let dir: string;
let kube: KubeClient;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "pod-e2e-"));
  cluster = await startCluster({ isolation: "plain", loopbackLoadBalancers: false });
  await writeFile(join(dir, "config"), cluster.kubeconfig);
  kube = await connectKube({ env: { KUBECONFIG: join(dir, "config") } });
});
afterAll(async () => {
  kube?.close();
  await cluster?.stop();
  await rm(dir, { recursive: true });
});

const podNamed = (name: string): Pod => ({
  metadata: { name, namespace: "default", labels: { app: "test", role: "master" } },
  // Never scheduled: only the object matters here.
  spec: { containers: [{ name: "c", image: "nothing/here" }], nodeSelector: { nowhere: "yes" } },
});

describe("the client", () => {
  test("creates, reads, patches, replaces by compare-and-swap, lists and deletes", async () => {
    const created = await kube.create(resources.configMaps, { metadata: { name: "a" }, data: { x: "1" } });
    await kube.patch(resources.configMaps, "a", { data: { y: "2" } });
    expect((await kube.get(resources.configMaps, "a")).data).toEqual({ x: "1", y: "2" });
    await expect(kube.replace(resources.configMaps, { ...created, data: {} })).rejects.toMatchObject({
      code: "conflict",
    });
    await kube.patch(
      resources.configMaps,
      "a",
      { apiVersion: "v1", kind: "ConfigMap", data: { z: "3" } },
      { type: "apply", fieldManager: "test" },
    );
    const list = await kube.list(resources.configMaps, { fieldSelector: "metadata.name=a" });
    expect(list.items.map((item) => item.data)).toEqual([{ x: "1", y: "2", z: "3" }]);
    await kube.delete(resources.configMaps, "a");
    await expect(kube.get(resources.configMaps, "a")).rejects.toMatchObject({ code: "not-found" });
  });

  test("watches", async () => {
    const events: string[] = [];
    const watch = kube.watch(resources.configMaps, { fieldSelector: "metadata.name=b" });
    const reader = (async () => {
      for await (const event of watch) events.push(event.type);
    })();
    await until("the list", () => events.length === 1);
    await kube.create(resources.configMaps, { metadata: { name: "b" } });
    await kube.delete(resources.configMaps, "b");
    await until("both events", () => events.length === 3);
    watch.stop();
    await reader;
    expect(events).toEqual(["replaced", "added", "deleted"]);
  });
});

describe("an election", () => {
  const contend = (lease: string, name: string, incarnation = name): Election =>
    createElection({ access: kubeLease(kube, { name: lease, namespace: "default" }), identity: { name, incarnation } });
  const leads = (election: Election) => election.term?.isValid() === true;

  test("is won, annotated, handed over on purpose and by stopping, each time with a later epoch", async () => {
    const [a, b, c] = ["pod-0", "pod-1", "pod-2"].map((name) => contend("one", name)) as [Election, Election, Election];
    await a.start();
    await until("the first leader", () => leads(a));
    await b.start();
    await c.start();
    await until("followers that see it", () => b.observed?.holder === "pod-0" && c.observed?.holder === "pod-0");

    const written = await a.annotate(() => ({ "in-sync": "pod-0,pod-1" }));
    expect(written.annotations).toMatchObject({ "in-sync": "pod-0,pod-1", [incarnationAnnotation]: "pod-0" });
    await until("the annotation at a follower", () => b.observed?.annotations["in-sync"] === "pod-0,pod-1");

    const first = a.term;
    await a.stepDown("switchover", "pod-2");
    expect(first?.signal.aborted).toBe(true);
    await until("the favourite to lead", () => leads(c));
    expect(leads(b)).toBe(false);
    expect(c.observed).toMatchObject({ holder: "pod-2", epoch: 2, annotations: { "in-sync": "pod-0,pod-1" } });

    await c.stop();
    await until("the next leader", () => leads(a) || leads(b));
    expect((a.term ?? b.term)?.epoch).toBe(3);
    await Promise.all([a.stop(), b.stop()]);
    const { spec } = await kube.get(resources.leases, "one", { namespace: "default" });
    expect(spec).toMatchObject({ holderIdentity: "", leaseTransitions: 2 });
    await expect(a.annotate(() => ({}))).rejects.toMatchObject({ code: "not-leader" });
  });

  test("of a restarted container that released takes a new epoch", async () => {
    const before = contend("two", "pod-0", "first");
    await before.start();
    await until("the first term", () => leads(before));
    await before.stop();
    const after = contend("two", "pod-0", "second");
    await after.start();
    await until("the second term", () => leads(after));
    expect(after.term?.epoch).toBe(2);
    await after.stop();
  });

  test("moves the role label", async () => {
    await kube.create(resources.pods, podNamed("labelled"));
    const role = async () => (await kube.get(resources.pods, "labelled")).metadata?.labels?.role;
    const election = contend("three", "labelled");
    const identity = { name: "labelled", namespace: "default" };
    const label = keepRoleLabel({ kube, identity, election, word: "leader" });
    const seen: (string | undefined)[] = [];
    const settles = async (wanted: string | undefined) => {
      for (let tries = 0; seen.at(-1) !== wanted || tries === 0; tries++) {
        expect(tries, `role ${wanted}, got ${seen.at(-1)}`).toBeLessThan(500);
        seen.push(await role());
      }
    };
    await settles(undefined);
    await election.start();
    await settles("leader");
    await election.stop();
    await settles(undefined);
    await label.stop();
  });
});
