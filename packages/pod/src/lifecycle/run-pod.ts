/**
 * One start, one stop.
 *
 *     start phases in order ─▶ ready ─▶ (SIGTERM) unready ─▶ drain ─▶ stop phases in reverse ─▶ exit 0
 *
 * Going unready first matters: endpoints lose the pod only some moments after it was told to stop, and what arrives meanwhile must still be
 * served. Whatever fails on the way down is logged and passed over; a pod that can't stop cleanly within its grace exits anyway.
 */

import { pause, within } from "../deadline.ts";
import { defined } from "../defined.ts";
import { messageOf, PodError } from "../errors.ts";
import type { Phase, PodProcess, PodRuntime, RunPodOptions } from "./types.ts";

/** Resolves once all phases have started. Rejects, after stopping those that had, when one fails; the process then exits with 1. */
export async function runPod(options: RunPodOptions): Promise<PodRuntime> {
  const pod = new Pod(options);
  await pod.start();
  return pod;
}

const signals = ["SIGTERM", "SIGINT"] as const;
const crashes = ["uncaughtException", "unhandledRejection"] as const;

/** How much of the grace is kept for exiting: phases are told to hurry before it. */
const hurryShare = 0.9;

class Pod implements PodRuntime {
  readonly #options: Required<Omit<RunPodOptions, "health">> & Pick<RunPodOptions, "health">;
  readonly #stopping = new AbortController();
  readonly #started: Phase[] = [];
  #starting: Promise<void> = Promise.resolve();
  #stopped: Promise<number> | undefined;
  #isStarted = false;

  constructor(options: RunPodOptions) {
    this.#options = {
      drainMs: 250,
      graceMs: 25_000,
      startDeadlineMs: 300_000,
      process: process as PodProcess,
      ...defined(options),
    };
  }

  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  async start(): Promise<void> {
    this.#options.health?.hold("starting");
    this.#listen("on");
    try {
      this.#starting = this.#startPhases();
      await within("start", this.#options.startDeadlineMs, this.#starting);
    } catch (error) {
      if (!this.signal.aborted) this.#options.logger.error("the pod could not start", { error });
      await this.stop("start failed", this.signal.aborted ? 0 : 1);
      throw error;
    }
    this.#isStarted = true;
    if (!this.signal.aborted) this.#options.health?.hold(undefined);
  }

  supervise(name: string, task: (signal: AbortSignal) => Promise<void>): void {
    const { logger } = this.#options;
    const ended = (error?: unknown) => {
      if (this.signal.aborted) return;
      const cause = error ?? new PodError("task", `the task ${name} ended although nobody stopped it`);
      logger.error("a task died, so the pod stops", { task: name, error: cause });
      void this.stop(`task ${name} died`, 1);
    };
    Promise.resolve()
      .then(() => task(this.signal))
      .then(() => ended(), ended);
  }

  stop(reason: string, exitCode = 0): Promise<number> {
    this.#stopped ??= this.#stopOnce(reason, exitCode);
    return this.#stopped;
  }

  async #startPhases(): Promise<void> {
    for (const phase of this.#options.phases) {
      this.signal.throwIfAborted();
      const startedAt = performance.now();
      await phase.start?.(this, this.signal);
      this.#started.push(phase);
      this.#options.logger.debug("phase started", { phase: phase.name, ms: since(startedAt) });
    }
  }

  async #stopOnce(reason: string, exitCode: number): Promise<number> {
    const { logger, health, drainMs, graceMs } = this.#options;
    const startedAt = performance.now();
    logger.info("stopping", { reason });
    health?.hold(`stopping: ${reason}`);
    this.#stopping.abort(new PodError("stopped", `the pod stops: ${reason}`));
    const isForced = await within("stop", graceMs, this.#windDown(this.#isStarted ? drainMs : 0, graceMs)).then(
      () => false,
      () => true,
    );
    if (isForced) logger.error("the pod did not stop within its grace and exits", { graceMs });
    else logger.info("stopped", { reason, ms: since(startedAt) });
    return this.#exit(isForced ? 1 : exitCode);
  }

  async #windDown(drainMs: number, graceMs: number): Promise<void> {
    const hurry = new AbortController();
    const timer = setTimeout(
      () => hurry.abort(new PodError("deadline", "the grace period is nearly over")),
      graceMs * hurryShare,
    );
    try {
      await pause(drainMs, hurry.signal);
      // A phase that is starting right now must come to its end before it can be stopped.
      await this.#starting.catch(() => undefined);
      for (const phase of this.#started.splice(0).reverse()) await this.#stopPhase(phase, hurry.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  async #stopPhase(phase: Phase, hurry: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    try {
      await phase.stop?.(hurry);
      this.#options.logger.debug("phase stopped", { phase: phase.name, ms: since(startedAt) });
    } catch (error) {
      this.#options.logger.error("a phase failed to stop; going on", { phase: phase.name, error });
    }
  }

  #exit(code: number): number {
    this.#listen("off");
    this.#options.process.exit(code);
    return code;
  }

  #listen(verb: "on" | "off"): void {
    for (const name of signals) this.#options.process[verb](name, this.#onSignal);
    for (const name of crashes) this.#options.process[verb](name, this.#onCrash);
  }

  /** The first signal asks, the second insists. */
  readonly #onSignal = (name: unknown): void => {
    if (!this.signal.aborted) return void this.stop(String(name));
    this.#options.logger.warn("second signal: exiting at once", { signal: String(name) });
    this.#exit(130);
  };

  /** The state of the process is unknown, so nothing more is done with it: others take over as from any crash. */
  readonly #onCrash = (error: unknown): void => {
    this.#options.logger.error(`crashed: ${messageOf(error)}`, { error });
    this.#exit(1);
  };
}

const since = (startedAt: number): number => Math.round(performance.now() - startedAt);
