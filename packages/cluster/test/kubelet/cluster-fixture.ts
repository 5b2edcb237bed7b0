/** A kubelet over the real registry in memory, with real processes in a temporary folder. */
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Pod, PodSpec } from "kubernetes-types/core/v1.js";
import { createKubelet, type LocalKubelet } from "../../src/kubelet/kubelet.ts";
import type { IsolationLevel, KubeletOptions } from "../../src/kubelet/options.ts";
import { systemClock } from "../../src/machinery/clock.ts";
import { openStore } from "../../src/machinery/open-store.ts";
import type { ApiStore } from "../../src/machinery/store.ts";
import type { Registry, Stored } from "../../src/machinery/types.ts";
import { addressPlan } from "../../src/network/addresses.ts";

export interface Recorded {
  readonly reason: string;
  readonly message: string;
  readonly fieldPath: string | undefined;
}

export interface Fixture {
  readonly store: ApiStore;
  readonly dir: string;
  readonly events: Recorded[];
  kubelet: LocalKubelet;
  /** A second kubelet on the same folder and registry. */
  another(): LocalKubelet;
  /** Cuts the present kubelet off as a crash would: its processes go on, but it hears, writes and tells nothing more. */
  crash(): void;
  run(name: string, spec: Partial<PodSpec>, metadata?: Pod["metadata"]): Promise<Stored<Pod>>;
  /** Waits until the pod is as wanted, or is gone when `wanted` says so of undefined. */
  until(name: string, wanted: (pod: Stored<Pod> | undefined) => boolean): Promise<Stored<Pod>>;
  logs(name: string, options?: Parameters<LocalKubelet["logs"]>[1]): Promise<string>;
  exec(name: string, ...command: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }>;
  close(): Promise<void>;
}

/** Tests of several files run at the same time: each takes its own loopback network. */
export const testNetwork = 200 + (process.pid % 40);

const untilLimitMs = 15_000;

export async function openFixture(isolation: IsolationLevel, options: Partial<KubeletOptions> = {}): Promise<Fixture> {
  const dir = await mkdtemp(join(tmpdir(), "coracle-kubelet-"));
  const plan = addressPlan(testNetwork);
  const store = await openStore({ plan, clock: systemClock });
  const events: Recorded[] = [];
  const all: LocalKubelet[] = [];
  let cutOff = (): void => undefined;
  const another = (): LocalKubelet => {
    const line = detachable(store);
    cutOff = line.detach;
    const kubelet = createKubelet({
      store: line.registry,
      plan,
      clock: systemClock,
      dir,
      nodes: ["node-1"],
      images: { system: () => undefined },
      isolation,
      issueToken: async ({ serviceAccount }) => ({
        token: `token-of-${serviceAccount}`,
        expiresAt: Date.now() + 3_600_000,
      }),
      caPem: "CA",
      apiServer: { host: plan.apiServer, port: 6443 },
      recordEvent: (about, _type, reason, message) => void events.push({ reason, message, fieldPath: about.fieldPath }),
      ...options,
      timing: { backoffBaseMs: 200, backoffMaxMs: 400, announceMs: 20, adoptedPollMs: 20, ...options.timing },
    });
    all.push(kubelet);
    return kubelet;
  };
  const fixture: Fixture = {
    store,
    dir,
    events,
    kubelet: another(),
    another,
    crash: () => cutOff(),
    async run(name, spec, metadata = {}) {
      const containers = spec.containers ?? [];
      return await store.create("pods", {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name, namespace: "default", ...metadata },
        spec: { nodeName: "node-1", terminationGracePeriodSeconds: 2, ...spec, containers },
      });
    },
    until: (name, wanted) => untilPod(store, name, wanted),
    async logs(name, logOptions = {}) {
      const stream = await fixture.kubelet.logs(
        { namespace: "default", name },
        logOptions,
        new AbortController().signal,
      );
      return await textOf(stream);
    },
    async exec(name, ...command) {
      const wants = { command, stdin: false, tty: false };
      const session = await fixture.kubelet.exec({ namespace: "default", name }, wants, new AbortController().signal);
      const [stdout, stderr] = await Promise.all([
        textOf(session.stdout),
        session.stderr ? textOf(session.stderr) : "",
      ]);
      return { exitCode: await session.exitCode, stdout, stderr };
    },
    async close() {
      await Promise.all(all.map((kubelet) => kubelet.stop(100)));
      await store.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
  await fixture.kubelet.start();
  return fixture;
}

/** The registry as one kubelet sees it, until it is detached. */
function detachable(store: ApiStore): { readonly registry: Registry; detach(): void } {
  let isDetached = false;
  const registry: Registry = {
    get: (resource, namespace, name) => store.get(resource, namespace, name),
    list: (resource, options) => store.list(resource, options),
    create: (resource, object, options) => store.create(resource, object, options),
    update: (resource, object, options) => store.update(resource, object, options),
    modify: async (resource, namespace, name, change, options) =>
      isDetached ? undefined : await store.modify(resource, namespace, name, change, options),
    delete: async (resource, namespace, name, options) => {
      if (!isDetached) await store.delete(resource, namespace, name, options);
    },
    subscribe: (resource, listener) => store.subscribe(resource, (change) => void (isDetached || listener(change))),
  };
  return {
    registry,
    detach: () => {
      isDetached = true;
    },
  };
}

async function untilPod(
  store: ApiStore,
  name: string,
  wanted: (pod: Stored<Pod> | undefined) => boolean,
): Promise<Stored<Pod>> {
  return await new Promise((resolve, reject) => {
    const limit = setTimeout(() => {
      unsubscribe();
      const status = JSON.stringify(store.get("pods", "default", name)?.status, null, 1);
      reject(new Error(`pod ${name} did not become as wanted: ${status}`));
    }, untilLimitMs);
    const look = (): void => {
      const pod = store.get("pods", "default", name);
      if (!wanted(pod)) return;
      clearTimeout(limit);
      queueMicrotask(() => unsubscribe());
      resolve(pod as Stored<Pod>);
    };
    const unsubscribe = store.subscribe("pods", () => look());
    look();
  });
}

export async function textOf(stream: AsyncIterable<unknown>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString("utf8");
}

/** The levels that this machine can test. */
export const isolationLevels: readonly IsolationLevel[] = allowsNamespaces() ? ["namespaces", "plain"] : ["plain"];

function allowsNamespaces(): boolean {
  const user = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
  try {
    execFileSync("unshare", [...user, "--mount", "--uts", "true"], { stdio: "ignore" });
    return true;
  } catch {
    console.warn("isolation level `namespaces` is not tested: unshare(1) is missing or not allowed on this machine");
    return false;
  }
}

export const sh = (name: string, script: string) => ({ name, image: "busybox", command: ["sh", "-c", script] });

export const isReady = (pod: Pod | undefined): boolean =>
  pod?.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;

export const phaseIs = (phase: string) => (pod: Pod | undefined) => pod?.status?.phase === phase;
