/** The three sources as a test handles them: set what is there, take the source away, bring it back. */
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@coracle/kube";
import type { Pod } from "kubernetes-types/core/v1.js";
import { fakeApi, json, status } from "../../../kube/test/fake-api.ts";
import { discover } from "../../src/discovery/discover.ts";
import type { Discovery } from "../../src/discovery/types.ts";
import { type ManualClock, manualClock } from "../manual-clock.ts";

/** Names of pods, each at port 8090. */
type Names = readonly string[];

export interface Rig {
  readonly discovery: Discovery;
  readonly clock: ManualClock;
  set(names: Names): Promise<void>;
  away(): Promise<void>;
  back(): Promise<void>;
  stop(): Promise<void>;
}

async function fileRig(names: Names): Promise<Rig> {
  const dir = await mkdtemp(join(tmpdir(), "peers-"));
  const path = join(dir, "peers.json");
  const clock = manualClock();
  const set = async (list: Names) => {
    await writeFile(`${path}.new`, JSON.stringify({ peers: list.map((name) => `${name}.ring:8090`) }));
    await rename(`${path}.new`, path);
  };
  await set(names);
  const discovery = discover({ env: { PEERS_FILE: path }, clock });
  return {
    discovery,
    clock,
    set,
    away: () => rename(path, `${path}.away`),
    back: () => rename(`${path}.away`, path),
    async stop() {
      await discovery.stop();
      await rm(dir, { recursive: true });
    },
  };
}

async function dnsRig(names: Names): Promise<Rig> {
  let current = names;
  let isAway = false;
  const clock = manualClock();
  const resolver = {
    async resolveSrv(name: string) {
      if (isAway || name !== "_raft._tcp.ring.blue.svc.cluster.local") throw new RangeError("ENOTFOUND");
      return current.map((pod) => ({ name: `${pod}.ring.blue.svc.cluster.local.`, port: 8090 }));
    },
    ttlSeconds: async () => 5,
  };
  const env = { SERVICE_NAME: "ring", SERVICE_PORT_NAME: "raft", NAMESPACE: "blue" };
  const discovery = discover({ env, clock, resolver });
  return {
    discovery,
    clock,
    async set(list) {
      current = list;
    },
    async away() {
      isAway = true;
    },
    async back() {
      isAway = false;
    },
    stop: () => discovery.stop(),
  };
}

const podOf = (name: string, resourceVersion: number): Pod => ({
  metadata: { name, labels: { app: "ring" }, resourceVersion: `${resourceVersion}` },
  spec: { containers: [{ name: "c", ports: [{ name: "raft", containerPort: 8090 }] }] },
  status: { podIP: `10.0.0.${name.length}`, phase: "Running", conditions: [{ type: "Ready", status: "True" }] },
});

async function apiRig(names: Names): Promise<Rig> {
  let current = names;
  let version = 1;
  let isAway = false;
  const watches = new Set<ServerResponse>();
  const api = await fakeApi(({ query }, response) => {
    if (isAway) return json(response, status(503, "ServiceUnavailable"), 503);
    if (query.get("watch") !== "true") {
      return json(response, {
        metadata: { resourceVersion: `${version}` },
        items: current.map((n) => podOf(n, version)),
      });
    }
    // A server that forgets everything: whoever comes back late has to list again.
    if (query.get("resourceVersion") !== `${version}`) return json(response, status(410, "Expired"), 410);
    response.writeHead(200).flushHeaders();
    watches.add(response);
  });
  const tell = (type: string, name: string) => {
    for (const response of watches) response.write(`${JSON.stringify({ type, object: podOf(name, version) })}\n`);
  };
  const clock = manualClock();
  const kube = createClient(api.connection, { backoff: { minMs: 1, maxMs: 5 } });
  const env = { LABEL_SELECTOR: "app=ring", SERVICE_PORT_NAME: "raft" };
  const discovery = discover({ env, kube, clock });
  return {
    discovery,
    clock,
    async set(list) {
      const before = current;
      current = list;
      version++;
      for (const name of before) if (!list.includes(name)) tell("DELETED", name);
      for (const name of list) tell(before.includes(name) ? "MODIFIED" : "ADDED", name);
    },
    async away() {
      isAway = true;
      for (const response of watches) response.destroy();
      watches.clear();
    },
    async back() {
      isAway = false;
    },
    async stop() {
      await discovery.stop();
      kube.close();
      await api.stop();
    },
  };
}

export const rigs: Readonly<Record<string, (names: Names) => Promise<Rig>>> = {
  "a peers file": fileRig,
  DNS: dnsRig,
  "the Kubernetes API": apiRig,
};
