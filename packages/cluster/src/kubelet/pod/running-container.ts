/** A container that has been started: its process, its log, and the way it ends. */
import { readFileSync } from "node:fs";
import type { Clock } from "../../machinery/types.ts";
import type { ContainerSpec } from "../isolation/types.ts";
import type { ContainerLog } from "../logs/container-log.ts";
import type { ContainerProcess, Exit } from "../process/container-process.ts";
import { oomKills } from "../process/proc.ts";

export interface Ending {
  readonly exitCode: number;
  readonly reason?: string;
}

export class RunningContainer {
  readonly name: string;
  readonly containerID: string;
  readonly spec: ContainerSpec;
  readonly process: ContainerProcess;
  readonly log: ContainerLog;
  readonly ended: Promise<Ending>;
  readonly startedAt: number;
  readonly #clock: Clock;
  readonly #oomKillsBefore = oomKills();
  #wasKilledByUs = false;
  #isOutOfMemory = false;
  #wasAttached = false;
  #hasEnded = false;
  #cancelKill: (() => void) | undefined;
  #killAt = Number.POSITIVE_INFINITY;

  constructor(
    name: string,
    containerID: string,
    spec: ContainerSpec,
    process: ContainerProcess,
    log: ContainerLog,
    clock: Clock,
  ) {
    this.name = name;
    this.containerID = containerID;
    this.spec = spec;
    this.process = process;
    this.log = log;
    this.#clock = clock;
    this.startedAt = clock.now();
    this.ended = process.exit.then((exit) => this.#end(exit));
  }

  #end({ exitCode, wasKilled }: Exit): Ending {
    this.#hasEnded = true;
    this.#cancelKill?.();
    this.log.close();
    const isOutOfMemory = exitCode === 137 && !wasKilled && !this.#wasKilledByUs && oomKills() > this.#oomKillsBefore;
    if (this.#isOutOfMemory) return { exitCode: 137, reason: "OOMKilled" };
    return { exitCode, ...(isOutOfMemory && { reason: "OOMKilled" }) };
  }

  /**
   * Asks the program to end. Not in its first moments: a signal between fork and exec, or before the program has set up its
   * handler, would be lost or be an end without farewell.
   */
  terminate(): void {
    const settlesIn = this.startedAt + settleMs - this.#clock.now();
    if (settlesIn <= 0) this.process.terminate();
    else this.#clock.after(settlesIn, () => this.#hasEnded || this.process.terminate());
  }

  /** Where in the log an attached reader begins: the first one sees what has been said so far, such as a prompt, later ones do not. */
  takeAttachOffset(): number {
    const offset = this.#wasAttached ? this.log.sizeBytes : 0;
    this.#wasAttached = true;
    return offset;
  }

  /** Ends it for sure in `graceMs` from now; a second call can only bring the end nearer. */
  killAfter(graceMs: number): void {
    const at = this.#clock.now() + graceMs;
    if (at >= this.#killAt) return;
    this.#killAt = at;
    this.#cancelKill?.();
    if (graceMs <= 0) this.kill();
    else this.#cancelKill = this.#clock.after(graceMs, () => this.kill());
  }

  /** Ends it for lack of memory, as the kernel does. */
  killForMemory(): void {
    this.#isOutOfMemory = true;
    this.kill();
  }

  kill(): void {
    this.#wasKilledByUs = true;
    this.process.kill();
  }
}

const settleMs = 100;

const maxMessageBytes = 4096;

/** What the container left at its terminationMessagePath; with `fallback` the end of its log, as FallbackToLogsOnError wants. */
export function terminationMessage(path: string, fallbackLog: string | undefined): string {
  const own = tailOf(path);
  return own || fallbackLog === undefined ? own : tailOf(fallbackLog);
}

function tailOf(path: string): string {
  try {
    return readFileSync(path, "utf8").slice(-maxMessageBytes);
  } catch {
    return "";
  }
}
