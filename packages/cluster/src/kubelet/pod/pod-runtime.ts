/** The effects of one pod: its folder, address, volumes and containers. Decides nothing. */
import { randomBytes } from "node:crypto";
import { chmod, chown, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import type { Container, Pod } from "kubernetes-types/core/v1.js";
import { ContainerError } from "../errors.ts";
import { type Host, volumeSources } from "../host.ts";
import { ContainerLog } from "../logs/container-log.ts";
import { runHook } from "../probes/hooks.ts";
import type { ProbeTarget } from "../probes/run-probe.ts";
import { adoptContainer, recordedExit, spawnContainer, sweep } from "../process/container-process.ts";
import { type Ended, runToEnd } from "../process/exec.ts";
import { ptyLaunch } from "../process/pty.ts";
import type { MountedVolume } from "../volumes/types.ts";
import { mountVolumes } from "../volumes/volumes.ts";
import { containerSpec } from "./container-spec.ts";
import { hostnameOf, hostsFile, resolvConf } from "./etc-files.ts";
import { PodFolder, removeFolder } from "./folders.ts";
import type { FoundRun } from "./restore.ts";
import { type RunRecord, writeRecord } from "./run-record.ts";
import { RunningContainer } from "./running-container.ts";
import { withServiceAccount } from "./service-account.ts";
import { containersOf } from "./state.ts";

const runtimeName = "coracle";

/** A start that got as far as a container, as runc's failures do: it counts as a run that ended with code 128. */
export class StartError extends ContainerError {
  readonly containerID: string;

  constructor(containerID: string, message: string) {
    super("RunContainerError", message);
    this.containerID = containerID;
  }
}

export class PodRuntime {
  readonly folder: PodFolder;
  readonly containers = new Map<string, RunningContainer>();
  /** Logs of the current run and of the one before, by container. */
  readonly #logs = new Map<string, ContainerLog[]>();
  readonly #host: Host;
  #volumes: readonly MountedVolume[] = [];
  #podIP: string | undefined;

  constructor(host: Host, pod: Pod) {
    this.#host = host;
    this.folder = new PodFolder(host.podsFolder, pod);
  }

  get podIP(): string {
    return this.#podIP ?? "";
  }

  /** Gives the pod its address, files in /etc and volumes. Throws FailedMount. Returns when the volumes want to be looked at again. */
  async prepare(pod: Pod, startedAt: number, wantedIP: string | undefined): Promise<number> {
    const { addresses, options } = this.#host;
    this.#podIP ??= pod.spec?.hostNetwork ? this.#host.hostIP(pod) : addresses.take(wantedIP);
    await mkdir(this.folder.etc(""), { recursive: true });
    const { namespace = "", name = "", uid = "" } = pod.metadata ?? {};
    await writeRecord(this.folder.record, { namespace, name, uid, podIP: this.podIP, startedAt });
    const hostResolv =
      pod.spec?.dnsPolicy === "Default" ? await readFile("/etc/resolv.conf", "utf8").catch(() => "") : "";
    await writeFile(this.folder.etc("hosts"), hostsFile(pod, this.podIP, options.plan));
    await writeFile(this.folder.etc("resolv.conf"), resolvConf(pod, options.plan, hostResolv));
    await writeFile(this.folder.etc("hostname"), `${hostnameOf(pod)}\n`);
    return await this.refreshVolumes(pod);
  }

  /** Brings volumes from the API up to date. */
  async refreshVolumes(pod: Pod): Promise<number> {
    const { options } = this.#host;
    const addresses = { podIP: this.podIP, hostIP: this.#host.hostIP(pod) };
    const context = {
      pod: withServiceAccount(pod),
      addresses,
      sources: volumeSources(options),
      now: options.clock.now(),
    };
    const { volumes, refreshAt } = await mountVolumes(this.folder.volumes, context);
    this.#volumes = volumes;
    return refreshAt;
  }

  /** Starts a container's `attempt`th run, 1 for the first, and its postStart hook. Throws ContainerError. */
  async start(pod: Pod, name: string, attempt: number): Promise<RunningContainer> {
    const { isolation, options, timing } = this.#host;
    const full = withServiceAccount(pod);
    const container = containersOf(full).find((each) => each.container.name === name)?.container;
    if (container === undefined)
      throw new ContainerError("CreateContainerError", `container ${name} is not in the pod`);
    const folder = this.folder.container(name);
    await mkdir(folder.path, { recursive: true });
    const id = randomBytes(32).toString("hex");
    const context = {
      host: this.#host,
      pod: full,
      podIP: this.podIP,
      volumes: this.#volumes,
      podFolder: this.folder,
      folder,
    };
    const spec = await containerSpec(container, { ...context, containerID: id });
    if (spec.command.length === 0) throw new ContainerError("CreateContainerError", "no command specified");
    const containerID = `${runtimeName}://${id}`;
    const record = { container: name, containerID, attempt, startedAt: options.clock.now(), spec };
    // Written before the process exists too: should the cluster die in between, the mark in the environment finds the process.
    await writeRecord(folder.record, { ...record, identity: { pid: 0, startTicks: "" } });
    const plain = await isolation.launch(spec, folder.path);
    const launch = spec.hasTty ? ptyLaunch(plain) : plain;
    // A program that opens /dev/stdout anew must be let in.
    if (spec.user) {
      await writeFile(folder.log(attempt), "", { flag: "a", mode: 0o640 });
      await chown(folder.log(attempt), spec.user.uid, spec.user.gid);
      await chmod(folder.terminationMessage, 0o666);
    }
    const result = await spawnContainer(launch, {
      containerID: id,
      log: folder.log(attempt),
      exitRecord: folder.exitRecord(attempt),
      hasStdin: container.stdin ?? false,
      limitMs: timing.startLimitMs,
      clock: options.clock,
    });
    if (!result.ok)
      throw new StartError(
        containerID,
        `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: ${result.message}: unknown`,
      );
    await writeRecord(folder.record, { ...record, identity: result.process.identity });
    return this.#hold(
      new RunningContainer(name, containerID, spec, result.process, this.#openLog(name, attempt), options.clock),
    );
  }

  /** What became of a run that an earlier cluster started; a living one is adopted. */
  adopt(record: RunRecord): FoundRun {
    const { timing, options } = this.#host;
    const folder = this.folder.container(record.container);
    const id = record.containerID.slice(`${runtimeName}://`.length);
    const exitRecord = folder.exitRecord(record.attempt);
    const process = adoptContainer(record.identity, {
      containerID: id,
      exitRecord,
      clock: options.clock,
      pollMs: timing.adoptedPollMs,
    });
    const log = this.#openLog(record.container, record.attempt);
    if (process === undefined) {
      sweep(id);
      log.close();
      const exitCode = recordedExit(exitRecord);
      return {
        record,
        ended: {
          exitCode: exitCode ?? 255,
          at: options.clock.now(),
          ...(exitCode === undefined && { reason: "Unknown" }),
        },
      };
    }
    this.#hold(new RunningContainer(record.container, record.containerID, record.spec, process, log, options.clock));
    return { record, ended: undefined };
  }

  /** Takes the address that the pod had before, which has been reserved for it. */
  reclaim(podIP: string): void {
    this.#podIP = podIP;
  }

  #hold(running: RunningContainer): RunningContainer {
    this.containers.set(running.name, running);
    running.ended.then(() => {
      if (this.containers.get(running.name) === running) this.containers.delete(running.name);
    });
    return running;
  }

  #openLog(name: string, attempt: number): ContainerLog {
    const log = new ContainerLog(this.folder.container(name).log(attempt), this.#host.options.clock);
    log.open();
    const [current, ...older] = this.#logs.get(name) ?? [];
    for (const each of older) void removeLog(each.path);
    this.#logs.set(name, current ? [log, current] : [log]);
    return log;
  }

  /** The log of the current run, or of the one before it. */
  log(name: string, previous: boolean): ContainerLog | undefined {
    return this.#logs.get(name)?.[previous ? 1 : 0];
  }

  /** Runs a command in a running container and waits for its end. */
  async run(name: string, command: readonly string[], signal: AbortSignal): Promise<Ended> {
    const running = this.containers.get(name);
    if (running === undefined) throw new ContainerError("CreateContainerError", `container ${name} is not running`);
    return await runToEnd(
      await this.#host.isolation.enter(running.spec, running.process.identity.pid, command),
      signal,
    );
  }

  target(container: Container): ProbeTarget {
    return { host: this.podIP, container, exec: (command, signal) => this.run(container.name, command, signal) };
  }

  /** preStop, TERM, and KILL when `graceMs` is over. Resolves when the process has ended. */
  async stop(container: Container, graceMs: number): Promise<void> {
    const running = this.containers.get(container.name);
    if (running === undefined) return;
    running.killAfter(graceMs);
    const preStop = container.lifecycle?.preStop;
    if (preStop && graceMs > 0) {
      const gone = new AbortController();
      const ended = running.ended.then(() => gone.abort());
      await Promise.race([runHook(preStop, this.target(container), gone.signal).catch(() => undefined), ended]);
    }
    running.terminate();
    await running.ended;
  }

  /** Removes what the pod had on disk and gives its address back. Its processes must have ended. */
  async release(): Promise<void> {
    for (const log of [...this.#logs.values()].flat()) log.close();
    if (this.#podIP !== undefined) this.#host.addresses.release(this.#podIP);
    await removeFolder(this.folder.path);
  }

  /** Lets go of everything without ending it. */
  abandon(): void {
    for (const log of [...this.#logs.values()].flat()) log.close();
  }
}

const removeLog = async (path: string): Promise<void> => {
  const exit = path.replace(/\.log$/, ".exit");
  for (const each of [path, `${path}.1`, `${path}.times`, exit]) await rm(each, { force: true });
};
