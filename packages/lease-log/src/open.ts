import { Core } from "./core/core.ts";
import { LogDriver } from "./driver/replicated-log.ts";
import { Room } from "./driver/room.ts";
import { resolveSettings, type Settings } from "./driver/settings.ts";
import { Storage } from "./driver/storage.ts";
import type { ReplicatedLogOptions } from "./options.ts";
import type { ReplicatedLog } from "./types.ts";

/** A log that is open on disk; `start` connects it. */
export interface OpenReplicatedLog extends ReplicatedLog {
  /** Port on which peers reach this log; known once started. */
  readonly port: number;
  /** Closes without handing over, flushing or telling anyone: leaves what a crash would. For a process that must go at once. */
  abandon(): Promise<void>;
  /** Proposes several commands at once, in order; as `propose` for each, with one promise for all of them. */
  proposeAll(commands: readonly Uint8Array[]): Promise<readonly unknown[]>;
}

/**
 * Opens the log in `options.dir`, checks it and recovers what a crash left. Rejects with LeaseLogError `corrupt`, `locked`, `failed` or `invalid-options`.
 * Start the election after `start` of what is returned, and stop it after its `stop`.
 */
export async function openReplicatedLog(options: ReplicatedLogOptions): Promise<OpenReplicatedLog> {
  const settings = resolveSettings(options);
  const room = new Room(settings.dir, settings.clock, settings.logger);
  const storage = await Storage.open(settings.dir, settings.limits, room.note);
  try {
    const { restored, warning } = await storage.recover(settings.stateMachine.applied(), freshDataId(settings.random));
    if (warning !== undefined) settings.logger.warn({}, warning);
    return new LogDriver(settings, storage, room, createCore(settings, restored), restored.meta);
  } catch (error) {
    await storage.close();
    throw error;
  }
}

function createCore(settings: Settings, restored: ConstructorParameters<typeof Core>[1]): Core {
  const { id, mode, minInSync, failsafe, annotation, timing, limits, clock } = settings;
  const { replicaWindowBytes, maxLagEntries } = limits;
  const config = { id, mode, minInSync, failsafe, annotation, timing, replicaWindowBytes, maxLagEntries };
  return new Core(config, restored, clock.now());
}

/** 128 random bits. */
function freshDataId(random: () => number): string {
  const word = () =>
    Math.floor(random() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, "0");
  return Array.from({ length: 4 }, word).join("");
}
