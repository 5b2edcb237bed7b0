/** Drives one pod: turns what happens into facts, facts into state, and performs what `decide` says. */
import { isDeepStrictEqual } from "node:util";
import type { Pod } from "kubernetes-types/core/v1.js";
import { isStatus } from "../../machinery/errors.ts";
import { ContainerError, messageOf } from "../errors.ts";
import type { Host } from "../host.ts";
import { runHook } from "../probes/hooks.ts";
import { runProbe } from "../probes/run-probe.ts";
import { volumeReferences } from "../volumes/volumes.ts";
import { type Action, decide } from "./decide.ts";
import { containerNamed, type Fact, reduce } from "./facts.ts";
import { fieldPathOf, notesOn } from "./notes.ts";
import { PodRuntime, StartError } from "./pod-runtime.ts";
import { restoreState } from "./restore.ts";
import type { SavedPod } from "./run-record.ts";
import { type RunningContainer, terminationMessage } from "./running-container.ts";
import { initialState, type PodState, probeOf, withNewContainers } from "./state.ts";
import { podStatus } from "./status.ts";
import { StatusWriter } from "./status-writer.ts";

export class PodWorker {
  readonly runtime: PodRuntime;
  readonly #host: Host;
  readonly #onGone: () => void;
  #pod: Pod;
  #state: PodState;
  #cancelWake: (() => void) | undefined;
  #cancelRefresh: (() => void) | undefined;
  readonly #status: StatusWriter;
  /** What is being written into the pod's folder, or started in it. */
  readonly #underWay = new Set<Promise<void>>();
  #refreshing: Promise<void> = Promise.resolve();
  #isGone = false;
  #isStopping = false;

  constructor(host: Host, pod: Pod, onGone: () => void) {
    this.#host = host;
    this.#pod = pod;
    this.#onGone = onGone;
    this.runtime = new PodRuntime(host, pod);
    const { store, clock } = host.options;
    this.#state = initialState(pod, clock.now());
    const statusOf = (current: Pod) => podStatus(current, this.#state, host.hostIP(current), clock.now());
    this.#status = new StatusWriter(store, clock, pod, statusOf);
  }

  get pod(): Pod {
    return this.#pod;
  }

  get state(): PodState {
    return this.#state;
  }

  /** Takes over what an earlier run of the cluster left of this pod. */
  restore(saved: SavedPod): void {
    const { clock } = this.#host.options;
    this.runtime.reclaim(saved.pod.podIP);
    const runs = saved.runs.map((record) => this.runtime.adopt(record));
    this.#state = restoreState(this.#pod, saved.pod, runs, this.#host.timing, clock.now());
    for (const running of this.runtime.containers.values()) this.#watch(running);
  }

  begin(): void {
    this.update(this.#pod);
  }

  /** The object has changed. */
  update(pod: Pod): void {
    const isRelabelled = !isDeepStrictEqual(describing(this.#pod), describing(pod));
    this.#pod = pod;
    this.#state = withNewContainers(this.#state, pod);
    if (isRelabelled && this.#state.sandbox === "ready") this.#refresh();
    const { deletionTimestamp, deletionGracePeriodSeconds = 30 } = pod.metadata ?? {};
    if (deletionTimestamp) this.#markDeleted(deletionGracePeriodSeconds * 1000);
    this.#step();
  }

  /** The object is gone: somebody removed it by force. */
  vanish(): void {
    this.#isGone = true;
    this.#markDeleted(forcedGraceMs);
    this.#step();
  }

  #markDeleted(graceMs: number): void {
    if (this.#state.deletion !== undefined && this.#state.deletion.graceMs <= graceMs) return;
    this.#apply({ type: "deleted", graceMs });
    for (const { name, phase } of Object.values(this.#state.containers)) {
      if (phase === "stopping") this.runtime.containers.get(name)?.killAfter(graceMs);
    }
  }

  /** Ends the pod for good because it took more than it may. */
  evict(message: string): void {
    if (this.#state.failed === undefined && this.#state.deletion === undefined)
      this.#happened({ type: "failed", reason: "Evicted", message });
  }

  /** A config map or secret has changed; `reference` as `ConfigMap/name`. */
  sourceChanged(reference: string): void {
    if (this.#state.sandbox === "ready" && volumeReferences(this.#pod).has(reference)) this.#refresh();
    this.#happened({ type: "sourceChanged" });
  }

  /** Ends every process and leaves the object as it is. */
  stop(graceMs: number): Promise<void> {
    return this.#end((running) => {
      running.killAfter(graceMs);
      running.terminate();
    });
  }

  /** Ends every process at once, as a power failure would. */
  lose(): Promise<void> {
    return this.#end((running) => running.kill());
  }

  async #end(end: (running: RunningContainer) => void): Promise<void> {
    this.#isStopping = true;
    this.#cancelWake?.();
    this.#cancelRefresh?.();
    const running = [...this.runtime.containers.values()];
    for (const each of running) end(each);
    await Promise.all([...running.map(({ ended }) => ended), ...this.#underWay, this.#status.close()]);
    this.runtime.abandon();
  }

  #apply(fact: Fact): void {
    const { clock } = this.#host.options;
    const context = { pod: this.#pod, now: clock.now(), timing: this.#host.timing };
    this.#state = reduce(this.#state, fact, context);
    for (const { type, reason, message, container } of notesOn(fact, this.#state, this.#pod)) {
      const { namespace = "", name = "", uid = "" } = this.#pod.metadata ?? {};
      const fieldPath = container === undefined ? undefined : fieldPathOf(this.#pod, container);
      const about = { apiVersion: "v1", kind: "Pod", namespace, name, uid, ...(fieldPath && { fieldPath }) };
      this.#host.options.recordEvent(about, type, reason, message, "kubelet");
    }
  }

  /** Something happened. */
  #happened(fact: Fact): void {
    if (this.#isStopping) return;
    this.#apply(fact);
    this.#step();
  }

  #step(): void {
    if (this.#isStopping) return;
    this.#cancelWake?.();
    const { clock } = this.#host.options;
    const { actions, wakeAt } = decide(this.#pod, this.#state, clock.now());
    for (const action of actions) this.#perform(action);
    if (wakeAt !== Number.POSITIVE_INFINITY) {
      this.#cancelWake = clock.after(Math.max(0, wakeAt - clock.now()), () => this.#step());
    }
    this.#status.report();
  }

  #perform(action: Action): void {
    const perform = this.#effects[action.type] as (action: Action) => Promise<void> | void;
    void perform(action);
  }

  readonly #effects: {
    readonly [T in Action["type"]]: (action: Extract<Action, { type: T }>) => Promise<void> | void;
  } = {
    prepare: () => this.#track(this.#prepare()),
    start: ({ name }) => this.#track(this.#start(name)),
    stop: ({ name, graceMs }) => this.#stop(name, graceMs),
    probe: ({ name, kind }) => this.#probe(name, kind),
    announce: ({ name }) => this.#happened({ type: "announced", name }),
    fail: ({ reason, message }) => this.#happened({ type: "failed", reason, message }),
    remove: () => this.#remove(),
  };

  async #prepare(): Promise<void> {
    this.#apply({ type: "preparing" });
    try {
      const wanted = this.#state.podIP ?? this.#pod.status?.podIP;
      this.#refreshAt(await this.runtime.prepare(this.#pod, this.#state.startedAt, wanted));
      this.#happened({ type: "prepared", podIP: this.runtime.podIP });
    } catch (error) {
      this.#happened({ type: "prepareFailed", message: messageOf(error) });
    }
  }

  /** Waited for when the kubelet stops or the pod goes: what was started by then is ended, and nothing is written into a folder that goes. */
  #track(work: Promise<void>): Promise<void> {
    this.#underWay.add(work);
    return work.finally(() => this.#underWay.delete(work));
  }

  async #start(name: string): Promise<void> {
    const attempt = (this.#state.containers[name]?.attempt ?? 0) + 1;
    this.#apply({ type: "starting", name });
    try {
      const running = await this.runtime.start(this.#pod, name, attempt);
      if (this.#isStopping) return await this.#endAtOnce(running);
      const hookFailure = await this.#postStart(name);
      if (this.#isStopping) return await this.#endAtOnce(running);
      this.#apply({ type: "started", name, containerID: running.containerID });
      if (hookFailure !== undefined) this.#apply({ type: "hookFailed", name, message: hookFailure });
      this.#watch(running);
      this.#step();
    } catch (error) {
      this.#startFailed(name, error);
    }
  }

  async #endAtOnce(running: RunningContainer): Promise<void> {
    running.kill();
    await running.ended;
  }

  async #postStart(name: string): Promise<string | undefined> {
    const container = containerNamed(this.#pod, name);
    const hook = container.lifecycle?.postStart;
    if (hook === undefined) return undefined;
    try {
      await runHook(hook, this.runtime.target(container), new AbortController().signal);
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  #startFailed(name: string, error: unknown): void {
    const message = messageOf(error);
    if (error instanceof StartError) {
      const { containerID } = error;
      this.#happened({ type: "exited", name, exitCode: 128, reason: "StartError", message, containerID });
    } else {
      const reason = error instanceof ContainerError ? error.reason : "CreateContainerError";
      this.#happened({ type: "startFailed", name, reason, message });
    }
  }

  /** Tells of the container's end, once its end has come. */
  #watch(running: RunningContainer): void {
    const { name } = running;
    void running.ended.then(({ exitCode, reason }) => {
      const { terminationMessagePolicy } = containerNamed(this.#pod, name);
      const usesLog = exitCode !== 0 && terminationMessagePolicy === "FallbackToLogsOnError";
      const path = this.runtime.folder.container(name).terminationMessage;
      const message = terminationMessage(path, usesLog ? running.log.path : undefined);
      this.#happened({ type: "exited", name, exitCode, ...(reason && { reason }), ...(message && { message }) });
    });
  }

  async #stop(name: string, graceMs: number): Promise<void> {
    this.#apply({ type: "stopping", name });
    await this.runtime.stop(containerNamed(this.#pod, name), graceMs);
  }

  async #probe(name: string, kind: "startup" | "liveness" | "readiness"): Promise<void> {
    const container = containerNamed(this.#pod, name);
    const probe = probeOf(container, kind);
    const run = this.#state.containers[name]?.containerID;
    this.#apply({ type: "probing", name, kind });
    if (probe === undefined) return;
    const { ok, output } = await runProbe(probe, this.runtime.target(container));
    // A result of an earlier run says nothing about this one.
    if (this.#state.containers[name]?.containerID !== run) return;
    this.#happened({ type: "probed", name, kind, ok, output });
  }

  async #remove(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#cancelWake?.();
    this.#cancelRefresh?.();
    await Promise.all([...this.#underWay, this.#status.close()]);
    await this.runtime.release();
    if (!this.#isGone) await this.#removeObject();
    this.#onGone();
  }

  async #removeObject(): Promise<void> {
    const { store, clock } = this.#host.options;
    const { namespace = "", name = "", uid = "" } = this.#pod.metadata ?? {};
    try {
      await store.delete("pods", namespace, name, { gracePeriodSeconds: 0, preconditions: { uid } });
    } catch (error) {
      if (isStatus(error, "NotFound") || isStatus(error, "Conflict")) return;
      clock.after(removeRetryMs, () => void this.#removeObject());
    }
  }

  /** One at a time: two would trip over each other's files. */
  #refresh(): void {
    this.#refreshing = this.#track(this.#refreshing.then(() => this.#refreshOnce()));
  }

  async #refreshOnce(): Promise<void> {
    if (this.#isStopping) return;
    try {
      this.#refreshAt(await this.runtime.refreshVolumes(this.#pod));
    } catch {
      this.#refreshAt(this.#host.options.clock.now() + refreshRetryMs);
    }
  }

  #refreshAt(at: number): void {
    this.#cancelRefresh?.();
    if (at === Number.POSITIVE_INFINITY || this.#isStopping) return;
    const { clock } = this.#host.options;
    this.#cancelRefresh = clock.after(Math.max(0, at - clock.now()), () => this.#refresh());
  }
}

/** What the downward API shows in volumes and may change. */
const describing = ({ metadata }: Pod) => [metadata?.labels, metadata?.annotations];

/** What a pod is given to end when its object has already been removed. */
const forcedGraceMs = 1_000;
const refreshRetryMs = 10_000;
const removeRetryMs = 1_000;
