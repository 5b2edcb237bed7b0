import { createEventRecorder } from "../machinery/events.ts";
import type { ApiStore } from "../machinery/store.ts";
import type { Clock } from "../machinery/types.ts";
import { type RunningController, runController } from "./harness/controller.ts";
import { signWrites } from "./harness/program.ts";
import { type ControllerSettings, resolveOptions } from "./options.ts";
import { controllers } from "./table.ts";

export interface ControllersParts {
  readonly store: ApiStore;
  readonly clock: Clock;
  /** PEM of the cluster's root certificates, published to every namespace. */
  readonly caPem: string;
  readonly options: ControllerSettings;
}

export interface RunningControllers {
  /** Resolves once no controller has anything to do now. Tests wait on it. */
  idle(): Promise<void>;
  /** Ends all watches and timers, and resolves when no reconcile is under way. Idempotent. */
  stop(): Promise<void>;
}

/** Starts every controller. They work from what they find, so there is no difference between a first start and a restart. */
export function startControllers(parts: ControllersParts): RunningControllers {
  const { clock, caPem, options } = parts;
  const store = signWrites(parts.store);
  const record = createEventRecorder({ store, clock });
  const context = { store, clock, caPem, record, options: resolveOptions(options) };
  const running = controllers.map((create) => runController(create(context), context));
  return {
    idle: () => allIdle(running),
    async stop() {
      await Promise.all(running.map((controller) => controller.stop()));
    },
  };
}

/** Work of one makes work for another: idle is when all are at the same time. */
async function allIdle(running: readonly RunningController[]): Promise<void> {
  while (!running.every(({ isIdle }) => isIdle)) await Promise.all(running.map((controller) => controller.idle()));
}
