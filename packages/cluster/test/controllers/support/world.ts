import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type ControllerSettings, resolveOptions } from "../../../src/controllers/options.ts";
import { type RunningControllers, startControllers } from "../../../src/controllers/start.ts";
import { createEventRecorder } from "../../../src/machinery/events.ts";
import { openStore } from "../../../src/machinery/open-store.ts";
import type { ApiStore } from "../../../src/machinery/store.ts";
import type { ApiObject, Stored } from "../../../src/machinery/types.ts";
import { addressPlan } from "../../../src/network/addresses.ts";
import { FakeKubelet, nodeObject } from "./fake-kubelet.ts";
import { SteppedClock } from "./stepped-clock.ts";

export interface World {
  readonly store: ApiStore;
  readonly clock: SteppedClock;
  readonly kubelet: FakeKubelet;
  readonly controllers: RunningControllers;
  readonly volumesDir: string;
  /** What reconciles failed with. */
  readonly failures: string[];
  /** Waits until nothing is left to do now. */
  settle(): Promise<void>;
  /** Moves the clock, letting everything settle at each timer. */
  advance(ms: number): Promise<void>;
  /** Creates objects from manifests, in order. */
  apply(...manifests: ApiObject[]): Promise<void>;
  podNames(namespace?: string): string[];
  /** `reason: message` of the events about an object. */
  events(name: string): string[];
  object(resource: string, namespace: string, name: string): Stored<ApiObject>;
}

export interface WorldOptions extends Partial<ControllerSettings> {
  /** Names of the nodes; one by default. */
  readonly nodes?: readonly string[];
}

const maxRounds = 1000;

/** An in-memory cluster of store, controllers and a fake kubelet, on a stepped clock. Ends with the test. */
export async function openWorld({ nodes = ["node-1"], ...settings }: WorldOptions = {}): Promise<World> {
  const clock = new SteppedClock();
  const volumesDir = await mkdtemp(join(tmpdir(), "coracle-volumes-"));
  const store = await openStore({ plan: addressPlan(10, { dnsPort: 5353 }), clock });
  const failures: string[] = [];
  const logFailure = (controller: string, key: string, error: unknown) =>
    void failures.push(`${controller} ${key}: ${(error as Error).message}`);
  const options = { volumesDir, logFailure, vacancyMs: 0, ...settings };
  for (const name of nodes) await store.create("nodes", nodeObject(name));
  const controllers = startControllers({ store, clock, caPem: "PEM", options });
  const record = createEventRecorder({ store, clock });
  const context = { store, clock, record, caPem: "PEM", options: resolveOptions(options) };
  const kubelet = new FakeKubelet(context);
  onTestFinished(async () => {
    await Promise.all([controllers.stop(), kubelet.stop()]);
    await store.close();
    await rm(volumesDir, { recursive: true, force: true });
  });

  async function settle(): Promise<void> {
    for (let round = 0; round < maxRounds; round += 1) {
      const before = store.resourceVersion;
      await controllers.idle();
      await kubelet.idle();
      await new Promise((resolve) => setImmediate(resolve));
      await controllers.idle();
      if (kubelet.isIdle && store.resourceVersion === before) return;
    }
    throw new RangeError(`not settled after ${maxRounds} rounds: something writes in a circle`);
  }

  async function advance(ms: number): Promise<void> {
    await settle();
    for (let left: number | undefined = ms; left !== undefined; ) {
      left = clock.step(left);
      await settle();
    }
  }

  await settle();
  return {
    store,
    clock,
    kubelet,
    controllers,
    volumesDir,
    failures,
    settle,
    advance,
    async apply(...manifests) {
      for (const manifest of manifests) await store.create(resourceOf(store, manifest), manifest);
      await settle();
    },
    podNames: (namespace = "default") => store.list("pods", { namespace }).map(({ metadata }) => metadata.name),
    events: (name) =>
      store
        .list("events")
        .filter(({ involvedObject }) => involvedObject.name === name)
        .map(({ reason, message }) => `${reason}: ${message}`),
    object(resource, namespace, name) {
      const found = store.get<string>(resource, namespace, name);
      if (!found) throw new TypeError(`there is no ${resource} ${namespace}/${name}`);
      return found;
    },
  };
}

function resourceOf(store: ApiStore, { apiVersion = "v1", kind }: ApiObject): string {
  const row = store
    .descriptors()
    .find((each) => each.kind === kind && (each.group ? `${each.group}/${each.version}` : each.version) === apiVersion);
  if (!row) throw new TypeError(`${apiVersion} ${kind} is not served`);
  return row.group ? `${row.plural}.${row.group}` : row.plural;
}
