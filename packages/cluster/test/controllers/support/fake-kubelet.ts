import type { Lease } from "kubernetes-types/coordination/v1.js";
import type { Node, Pod, PodStatus } from "kubernetes-types/core/v1.js";
import { withCondition } from "../../../src/controllers/harness/conditions.ts";
import type { ControllerContext } from "../../../src/controllers/harness/context.ts";
import { type RunningController, runController } from "../../../src/controllers/harness/controller.ts";
import { microTimestamp, timestamp } from "../../../src/controllers/harness/time.ts";
import { type ObjectKey, watchAll, watchSelf } from "../../../src/controllers/harness/watch.ts";

export const nodeObject = (name: string, extra: Partial<Node["metadata"]> = {}): Node => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name, labels: { "kubernetes.io/hostname": name }, ...extra },
  spec: {},
  status: {
    allocatable: { cpu: "4", memory: "8Gi", pods: "110" },
    conditions: [{ type: "Ready", status: "True", reason: "KubeletReady" }],
  },
});

/** Stands in for the kubelet: bound pods run and are ready at once, deleted ones are gone at once, unless a test says otherwise. */
export class FakeKubelet {
  readonly #context: ControllerContext;
  readonly #running: RunningController;
  readonly #notReady = new Set<string>();
  readonly #slowToStop = new Set<string>();
  readonly #stoppedNodes = new Set<string>();
  #lastAddress = 0;
  #cancelBeat = () => {};

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#running = runController(
      {
        name: "fake-kubelet",
        watches: [watchSelf("pods"), watchAll("pods", "nodes")],
        reconcile: (key) => this.#reconcile(key),
      },
      context,
    );
    void this.#beat();
  }

  get isIdle() {
    return this.#running.isIdle;
  }

  idle = () => this.#running.idle();
  stop = () => {
    this.#cancelBeat();
    return this.#running.stop();
  };

  /** Pods of this name start but do not become ready until `makeReady`. */
  holdBack(name: string): void {
    this.#notReady.add(name);
  }

  async makeReady(name: string): Promise<void> {
    this.#notReady.delete(name);
    await this.#setStatus(name, (pod) => this.#runningStatus(pod));
  }

  async makeUnready(name: string): Promise<void> {
    this.#notReady.add(name);
    await this.#setStatus(name, (pod) => this.#runningStatus(pod));
  }

  /** Deleted pods of this name stay until `letStop`. */
  holdStop(name: string): void {
    this.#slowToStop.add(name);
  }

  async letStop(namespace: string, name: string): Promise<void> {
    this.#slowToStop.delete(name);
    await this.#context.store.delete("pods", namespace, name, { gracePeriodSeconds: 0 });
  }

  /** The node's pods are not looked after any more, and its heartbeat stops. */
  stopNode(name: string): void {
    this.#stoppedNodes.add(name);
  }

  async startNode(name: string): Promise<void> {
    this.#stoppedNodes.delete(name);
    await this.#renew(name);
  }

  /** The pod's containers end. */
  async finish(name: string, phase: "Succeeded" | "Failed", exitCode = phase === "Failed" ? 1 : 0): Promise<void> {
    await this.#setStatus(name, (pod) => ({
      ...pod.status,
      phase,
      conditions: withCondition(pod.status?.conditions, { type: "Ready", status: "False" }, this.#context.clock.now()),
      containerStatuses: (pod.spec?.containers ?? []).map((container) => ({
        name: container.name,
        ready: false,
        restartCount: 0,
        image: "",
        imageID: "",
        state: { terminated: { exitCode, finishedAt: timestamp(this.#context.clock.now()) } },
      })),
    }));
  }

  /** Renews the lease of every node that is not stopped, every ten seconds. */
  async #beat(): Promise<void> {
    const { store, clock } = this.#context;
    this.#cancelBeat = clock.after(10_000, () => void this.#beat());
    const alive = store.list("nodes").filter(({ metadata }) => !this.#stoppedNodes.has(metadata.name));
    await Promise.all(alive.map(({ metadata }) => this.#renew(metadata.name)));
  }

  async #renew(name: string): Promise<void> {
    const { store, clock } = this.#context;
    const spec = { renewTime: microTimestamp(clock.now()) };
    const renew = (draft: Lease) => {
      draft.spec = { ...draft.spec, ...spec };
    };
    if (await store.modify("leases.coordination.k8s.io", "kube-node-lease", name, renew)) return;
    const metadata = { name, namespace: "kube-node-lease" };
    const lease = { apiVersion: "coordination.k8s.io/v1" as const, kind: "Lease" as const, metadata, spec };
    await store.create("leases.coordination.k8s.io", lease);
  }

  async #reconcile({ namespace, name }: ObjectKey): Promise<undefined> {
    const { store } = this.#context;
    const pod = store.get("pods", namespace, name);
    if (!pod?.spec?.nodeName || this.#stoppedNodes.has(pod.spec.nodeName)) return undefined;
    if (pod.metadata.deletionTimestamp) {
      if (!this.#slowToStop.has(name)) await store.delete("pods", namespace, name, { gracePeriodSeconds: 0 });
      return undefined;
    }
    if ((pod.status?.phase ?? "Pending") === "Pending")
      await this.#setStatus(name, (each) => this.#runningStatus(each));
    return undefined;
  }

  #runningStatus(pod: Pod): PodStatus {
    const isReady = !this.#notReady.has(pod.metadata?.name ?? "");
    const condition = { type: "Ready", status: isReady ? "True" : "False" };
    this.#lastAddress += pod.status?.podIP ? 0 : 1;
    const podIP = pod.status?.podIP ?? `127.10.16.${this.#lastAddress}`;
    const conditions = withCondition(pod.status?.conditions, condition, this.#context.clock.now());
    const startTime = pod.status?.startTime ?? timestamp(this.#context.clock.now());
    return { ...pod.status, phase: "Running", startTime, podIP, podIPs: [{ ip: podIP }], conditions };
  }

  async #setStatus(name: string, change: (pod: Pod) => PodStatus): Promise<void> {
    const { store } = this.#context;
    const pod = store.list("pods").find(({ metadata }) => metadata.name === name);
    if (!pod) throw new TypeError(`there is no pod ${name}`);
    const { namespace = "" } = pod.metadata;
    const setStatus = (draft: Pod) => void Object.assign(draft, { status: change(draft) });
    await store.modify("pods", namespace, name, setStatus, { subresource: "status" });
  }
}
