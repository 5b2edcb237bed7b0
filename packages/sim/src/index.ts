/**
 * A deterministic simulator and history checkers, for tests of protocols that must survive faults.
 *
 * ```ts
 * const scheduler = new Scheduler();
 * const network = new Network(scheduler, new Random(seed), { loss: 0.1, duplicate: 0.05, minDelayMs: 1, maxDelayMs: 30 });
 * network.send("a", "b", () => b.receive(message));
 * scheduler.runUntil(10_000);
 * ```
 */

export { NodeClock } from "./clock.ts";
export { CellDisk, LogDisk } from "./disk.ts";
export {
  checkLinearizable,
  type Model,
  type Operation,
  operationsByKey,
  type RegisterInput,
  registerModel,
  type Verdict,
} from "./linearizability.ts";
export { Network, type NetworkFaults } from "./network.ts";
export { Random } from "./random.ts";
export {
  RegisterClients,
  type RegisterClientsOptions,
  type RegisterService,
  type RegisterWrite,
  type WriteOutcome,
} from "./register-clients.ts";
export { Scheduler } from "./scheduler.ts";
export { type ApiFaults, type PutAnswer, type Versioned, VersionedObject } from "./versioned-object.ts";
