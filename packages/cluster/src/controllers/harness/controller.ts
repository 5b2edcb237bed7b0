import { isStatus } from "../../machinery/errors.ts";
import type { ControllerContext } from "./context.ts";
import { WorkQueue } from "./queue.ts";
import { type ObjectKey, parseKey, type Watch } from "./watch.ts";

/** A loop that drives the registry toward what one kind of object asks for. */
export interface Controller {
  /** Kubernetes' name of it, such as `statefulset-controller`. */
  readonly name: string;
  readonly watches: readonly Watch[];
  /**
   * Makes one object right. Called again whenever a watch names its key, after the returned number of milliseconds, and
   * with back-off after it throws. Never called twice at once for the same key.
   */
  reconcile(key: ObjectKey): Promise<number | undefined>;
  /** How many objects it may work on at once; 16 if not said, 1 where decisions must see each other. */
  readonly concurrency?: number;
}

/** Told of every reconcile that failed in a way that a retry alone does not explain. */
export type FailureLog = (controller: string, key: string, error: unknown, retryInMs: number) => void;

export interface RunningController {
  readonly isIdle: boolean;
  idle(): Promise<void>;
  stop(): Promise<void>;
}

const defaultConcurrency = 16;

/**
 * Two writers met, or the object or its namespace is going: ordinary, the retry settles it. What admission forbids (a quota, a limit) is no fault
 * of the cluster either; the object's events tell it.
 */
const isRace = (error: unknown) =>
  isStatus(error, "Conflict") ||
  isStatus(error, "NotFound") ||
  isStatus(error, "AlreadyExists") ||
  isStatus(error, "Forbidden");

/** Subscribes the controller and works until stopped. */
export function runController(controller: Controller, { store, clock, options }: ControllerContext): RunningController {
  const queue = new WorkQueue({
    clock,
    concurrency: controller.concurrency ?? defaultConcurrency,
    process: (key) => controller.reconcile(parseKey(key)),
    onFailure: (key, error, retryInMs) => {
      if (!isRace(error)) options.logFailure(controller.name, key, error, retryInMs);
    },
  });
  const unsubscribe = controller.watches.map((watch) => watch(store, (key) => queue.add(key)));
  return {
    get isIdle() {
      return queue.isIdle;
    },
    idle: () => queue.idle(),
    stop() {
      for (const end of unsubscribe) end();
      return queue.stop();
    },
  };
}
