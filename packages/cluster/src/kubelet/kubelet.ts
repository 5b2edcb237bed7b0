/** The kubelet: runs the pods of its nodes as local processes. One per cluster, for all its nodes. */

import { mkdir } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { type Duplex, Readable } from "node:stream";
import type { Pod } from "kubernetes-types/core/v1.js";
import type { Machines } from "../faults/types.ts";
import { StatusError } from "../machinery/errors.ts";
import type { Change, Stored } from "../machinery/types.ts";
import { attachTo, attachToEnded } from "./attach.ts";
import { ContainerNotRunningError, podNotFound } from "./errors.ts";
import type { Host } from "./host.ts";
import { imageOptions } from "./images/prepare.ts";
import { chooseIsolation } from "./isolation/choose.ts";
import { watchLimits } from "./limits.ts";
import { readLog } from "./logs/read-log.ts";
import { type Nodes, startNodes } from "./nodes.ts";
import { defaultTiming, type IsolationLevel, type KubeletOptions } from "./options.ts";
import { PodAddresses } from "./pod/addresses.ts";
import { containerNamed } from "./pod/facts.ts";
import { removeFolder } from "./pod/folders.ts";
import { PodWorker } from "./pod/pod-worker.ts";
import { readSavedPods, type SavedPod } from "./pod/run-record.ts";
import type { RunningContainer } from "./pod/running-container.ts";
import { containersOf } from "./pod/state.ts";
import { sweep } from "./process/container-process.ts";
import { spawnExec } from "./process/exec.ts";
import { freeze, thaw } from "./process/freeze.ts";
import type { ContainerUsage, ExecOptions, ExecSession, Kubelet, LogOptions, PodRef } from "./types.ts";
import { UsageMeter } from "./usage.ts";

/** The kubelet with what `coracle cluster status` shows of it, and what faults do to it. */
export interface LocalKubelet extends Kubelet, Machines {
  /** What was chosen. Throws ServiceUnavailable before `start`. */
  readonly isolation: IsolationLevel;
}

/** Starts nothing yet: see `start`. */
export function createKubelet(options: KubeletOptions): LocalKubelet {
  return new PodRunner(options);
}

const defaultGraceMs = 10_000;

class PodRunner implements LocalKubelet {
  readonly #options: KubeletOptions;
  readonly #meter: UsageMeter;
  /** By uid: the successor of a StatefulSet's pod has the same name. */
  readonly #workers = new Map<string, PodWorker>();
  readonly #unsubscribe: (() => void)[] = [];
  readonly #saved = new Map<string, SavedPod>();
  /** The pods that ran on a node when it was stopped, by node. */
  readonly #lost = new Map<string, ReadonlySet<string>>();
  #host: Host | undefined;
  #nodes: Nodes | undefined;

  constructor(options: KubeletOptions) {
    this.#options = options;
    this.#meter = new UsageMeter(options.clock);
  }

  get isolation(): IsolationLevel {
    return this.#requireHost().isolation.level;
  }

  async start(): Promise<void> {
    if (this.#host !== undefined) return;
    const { store } = this.#options;
    this.#host = await this.#prepareHost();
    this.#nodes = await startNodes(this.#options, this.#host.timing);
    await this.#loadSaved(this.#host);
    this.#unsubscribe.push(
      store.subscribe("pods", (change) => this.#podChanged(change)),
      store.subscribe("configmaps", ({ object }) => this.#sourceChanged("ConfigMap", object.metadata)),
      store.subscribe("secrets", ({ object }) => this.#sourceChanged("Secret", object.metadata)),
      watchLimits(() => this.#workers.values(), this.#options.clock, this.#host.timing),
      store.subscribe("persistentvolumeclaims", ({ object }) => this.#sourceChanged("Claim", object.metadata)),
    );
    // Those that nobody took up were on nodes that are no longer ours.
    for (const each of this.#saved.values()) await endSaved(each);
    this.#saved.clear();
  }

  async #prepareHost(): Promise<Host> {
    const { dir, plan, isolation, images, nodes, timing } = this.#options;
    const podsFolder = join(dir, "pods");
    await mkdir(podsFolder, { recursive: true });
    const [isolated, resolving] = await Promise.all([chooseIsolation(isolation, dir), imageOptions(dir, images)]);
    return {
      options: this.#options,
      timing: { ...defaultTiming, ...timing },
      isolation: isolated,
      images: resolving,
      addresses: new PodAddresses(plan.pods),
      podsFolder,
      hostIP: ({ spec }) => plan.node(Math.max(0, nodes.indexOf(spec?.nodeName ?? ""))),
    };
  }

  /** Pods that are still wanted wait for their worker; the processes and folders of all others go. */
  async #loadSaved(host: Host): Promise<void> {
    const { saved, broken } = readSavedPods(host.podsFolder);
    for (const each of saved) await this.#sort(each, host);
    for (const folder of broken) await removeFolder(folder);
  }

  async #sort(saved: SavedPod, { addresses }: Host): Promise<void> {
    const { namespace, name, uid, podIP } = saved.pod;
    const isWanted = this.#options.store.get("pods", namespace, name)?.metadata.uid === uid;
    if (isWanted) this.#saved.set(uid, saved);
    else await endSaved(saved);
    // Before any new pod is given one.
    if (isWanted) addresses.reserve(podIP);
    else addresses.release(podIP);
  }

  #podChanged({ type, object }: Change<Pod>): void {
    const { uid } = object.metadata;
    const nodeName = object.spec?.nodeName ?? "";
    if (!this.#options.nodes.includes(nodeName) || this.#lost.has(nodeName)) return;
    const worker = this.#workers.get(uid);
    if (type === "DELETED") worker?.vanish();
    else if (worker !== undefined) worker.update(object);
    else this.#takeUp(object);
  }

  #takeUp(pod: Stored<Pod>): void {
    const { uid } = pod.metadata;
    const saved = this.#saved.get(uid);
    if (this.#host === undefined || (saved === undefined && isOver(pod))) return;
    const worker = new PodWorker(this.#host, pod, () => this.#workers.delete(uid));
    this.#workers.set(uid, worker);
    this.#saved.delete(uid);
    if (saved !== undefined) worker.restore(saved);
    worker.begin();
  }

  #sourceChanged(
    kind: "ConfigMap" | "Secret" | "Claim",
    { namespace, name }: { namespace?: string; name: string },
  ): void {
    for (const worker of this.#workers.values()) {
      if (worker.pod.metadata?.namespace === namespace) worker.sourceChanged(`${kind}/${name}`);
    }
  }

  async stop(graceMs = defaultGraceMs): Promise<void> {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    this.#nodes?.stop();
    // The clock's timers don't keep the process alive, and adopted processes are no children: nothing else would hold it until they end.
    const hold = setInterval(() => undefined, 60_000);
    await Promise.all([...this.#workers.values()].map((worker) => worker.stop(graceMs)));
    clearInterval(hold);
    this.#workers.clear();
    this.#host = undefined;
  }

  async stopNode(name: string): Promise<void> {
    if (this.#lost.has(name)) return;
    const workers = [...this.#workers.values()].filter(({ pod }) => pod.spec?.nodeName === name);
    const uids = workers.map(({ pod }) => pod.metadata?.uid ?? "");
    this.#lost.set(name, new Set(uids));
    this.#nodes?.silence(name);
    await Promise.all(workers.map((worker) => worker.lose()));
    for (const uid of uids) this.#workers.delete(uid);
  }

  /** What the node's kubelet finds after a power failure: pods that are wanted still start again, of the others nothing stays. */
  async startNode(name: string): Promise<void> {
    const lost = this.#lost.get(name);
    const host = this.#host;
    if (lost === undefined || host === undefined) return;
    const { saved } = readSavedPods(host.podsFolder);
    for (const each of saved.filter(({ pod }) => lost.has(pod.uid))) await this.#sort(each, host);
    this.#lost.delete(name);
    for (const object of this.#options.store.list("pods"))
      if (object.spec?.nodeName === name) this.#podChanged({ type: "ADDED", object });
    await this.#nodes?.wake(name);
  }

  killPod(pod: PodRef, container?: string): boolean {
    return this.#each(pod, (running) => running.process.kill(), container);
  }

  freezePod(pod: PodRef): boolean {
    return this.#each(pod, ({ containerID, process }) => freeze(bareID(containerID), process.identity.pid));
  }

  thawPod(pod: PodRef): boolean {
    return this.#each(pod, ({ containerID, process }) => thaw(bareID(containerID), process.identity.pid));
  }

  mountsOf(pod: PodRef): readonly { readonly hostPath: string; readonly mountPath: string }[] {
    return [...(this.#find(pod)?.runtime.containers.values() ?? [])].flatMap(({ spec }) => spec.mounts);
  }

  /** Does something to the running containers of the pod, or to one of them. Returns whether there was any. */
  #each(pod: PodRef, act: (running: RunningContainer) => void, container?: string): boolean {
    const all = [...(this.#find(pod)?.runtime.containers.values() ?? [])];
    const running = all.filter(({ name }) => container === undefined || name === container);
    for (const each of running) act(each);
    return running.length > 0;
  }

  async logs(pod: PodRef, options: LogOptions, signal: AbortSignal): Promise<Readable> {
    const worker = this.#worker(pod);
    const name = containerNameOf(worker.pod, options.container);
    const log = worker.runtime.log(name, options.previous ?? false);
    if (log === undefined) throw noLog(worker, name, options.previous ?? false);
    return Readable.from(readLog(log, options, this.#options.clock.now(), signal), { objectMode: false });
  }

  async exec(pod: PodRef, options: ExecOptions, signal: AbortSignal): Promise<ExecSession> {
    const { spec, process } = this.#running(pod, options.container);
    const launch = await this.#requireHost().isolation.enter(spec, process.identity.pid, options.command);
    return spawnExec(launch, options, signal);
  }

  async attach(pod: PodRef, options: Omit<ExecOptions, "command">, signal: AbortSignal): Promise<ExecSession> {
    const worker = this.#worker(pod);
    const name = containerNameOf(worker.pod, options.container);
    const log = worker.runtime.containers.has(name) ? undefined : worker.runtime.log(name, false);
    if (log !== undefined) return attachToEnded(log, signal);
    return attachTo(this.#running(pod, name), containerNamed(worker.pod, name), options, signal);
  }

  async dial(pod: PodRef, port: number, signal: AbortSignal): Promise<Duplex> {
    const { podIP } = this.#worker(pod).runtime;
    const socket = connect({ host: podIP, port, signal });
    return await new Promise((resolve, reject) => {
      socket.once("connect", () => resolve(socket));
      socket.once("error", ({ message }) => {
        const text = `failed to connect to ${podIP}:${port} of pod ${pod.name}: ${message}`;
        reject(new StatusError("InternalError", text));
      });
    });
  }

  async usage(pod: PodRef): Promise<readonly ContainerUsage[] | undefined> {
    const worker = this.#find(pod);
    if (worker === undefined || worker.runtime.containers.size === 0) return undefined;
    return this.#meter.measure(worker.runtime.containers.values());
  }

  #requireHost(): Host {
    if (this.#host === undefined) throw new StatusError("ServiceUnavailable", "the kubelet is not running");
    return this.#host;
  }

  #find({ namespace, name }: PodRef): PodWorker | undefined {
    const uid = this.#options.store.get("pods", namespace, name)?.metadata.uid ?? "";
    return this.#workers.get(uid);
  }

  #worker(pod: PodRef): PodWorker {
    const worker = this.#find(pod);
    if (worker === undefined) throw podNotFound(pod.name);
    return worker;
  }

  #running(pod: PodRef, container: string | undefined): RunningContainer {
    const worker = this.#worker(pod);
    const name = containerNameOf(worker.pod, container);
    const running = worker.runtime.containers.get(name);
    if (running === undefined) throw new ContainerNotRunningError(name);
    return running;
  }
}

/** The container asked for, or the first. Throws BadRequest for a name that the pod does not have. */
function containerNameOf(pod: Pod, wanted: string | undefined): string {
  const names = containersOf(pod).map(({ container }) => container.name);
  const byDefault =
    pod.metadata?.annotations?.["kubectl.kubernetes.io/default-container"] ?? pod.spec?.containers[0]?.name ?? "";
  const name = wanted || byDefault;
  if (names.includes(name)) return name;
  throw new StatusError("BadRequest", `container ${name} is not valid for pod ${pod.metadata?.name}`);
}

/** How the kubelet tells the commonest reasons to those who ask for logs. */
const waitingWords: Readonly<Record<string, string>> = {
  ErrImagePull: "image can't be pulled",
  ImagePullBackOff: "trying and failing to pull image",
};

function noLog(worker: PodWorker, name: string, previous: boolean): StatusError {
  const pod = worker.pod.metadata?.name;
  if (previous)
    return new StatusError("BadRequest", `previous terminated container "${name}" in pod "${pod}" not found`);
  const statuses = [
    ...(worker.pod.status?.initContainerStatuses ?? []),
    ...(worker.pod.status?.containerStatuses ?? []),
    ...(worker.pod.status?.ephemeralContainerStatuses ?? []),
  ];
  const reason = statuses.find((each) => each.name === name)?.state?.waiting?.reason ?? "ContainerCreating";
  const why = waitingWords[reason] ?? reason;
  return new StatusError("BadRequest", `container "${name}" in pod "${pod}" is waiting to start: ${why}`);
}

/** The identifier without the runtime's name before it. */
const bareID = (containerID: string): string => containerID.slice(containerID.indexOf("//") + 2);

const isOver = ({ status, metadata }: Pod): boolean =>
  !metadata?.deletionTimestamp && (status?.phase === "Succeeded" || status?.phase === "Failed");

async function endSaved({ folder, runs }: SavedPod): Promise<void> {
  for (const { containerID } of runs) sweep(bareID(containerID));
  await removeFolder(folder);
}
