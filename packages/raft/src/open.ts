import { mkdir } from "node:fs/promises";
import { Core } from "./core/core.ts";
import type { CoreConfig, Membership, Restored } from "./core/types.ts";
import { type OpenRaft, RaftDriver } from "./driver/driver.ts";
import { claimFolder, isOwnFolder } from "./driver/identity.ts";
import { SnapshotStore } from "./driver/snapshot-store.ts";
import { Storage } from "./driver/storage.ts";
import { RaftError } from "./errors.ts";
import { type RaftOptions, resolveSettings, type Settings } from "./options.ts";

/**
 * Opens the member in `options.dir`: checks it, recovers what a crash left, and brings the state machine to the last snapshot. `start` of what is returned
 * connects it. Rejects with RaftError `corrupt`, `wrong-cluster`, `locked`, `failed` or `invalid`.
 */
export async function openRaft(options: RaftOptions): Promise<OpenRaft> {
  const settings = resolveSettings(options);
  const { dir, clusterId, limits } = settings;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const isOwn = await isOwnFolder(dir, settings);
  let driver: RaftDriver | undefined;
  const storage = await Storage.open(dir, limits.segmentBytes, (isFull) => driver?.onFull(isFull));
  try {
    const snapshots = await SnapshotStore.open(dir, clusterId);
    if (!isOwn) await claim(settings, storage);
    else if (storage.isEmpty)
      throw new RaftError(
        "corrupt",
        `the log in ${dir} is gone: this member may have voted and acknowledged what it no longer knows. Empty the folder and let it join under a new id.`,
      );
    const restored = await recover(settings, storage, snapshots);
    driver = new RaftDriver({ settings, core: new Core(coreConfig(settings), restored), storage, snapshots });
    return driver;
  } catch (error) {
    await storage.close();
    throw error;
  }
}

/** The same first entry at every first member: the membership, in a term before any election. A member that joins later begins with nothing. */
async function claim({ id, clusterId, dir, bootstrap }: Settings, storage: Storage): Promise<void> {
  if (storage.isEmpty) {
    const membership: Membership = { members: bootstrap ?? [], removed: [] };
    const entries = bootstrap ? [{ index: 1, term: 1, membership }] : [];
    await storage.append({ term: bootstrap ? 1 : 0, vote: undefined }, undefined, entries);
  }
  await claimFolder(dir, { id, clusterId });
}

async function recover({ stateMachine, dir }: Settings, storage: Storage, snapshots: SnapshotStore): Promise<Restored> {
  const { newest } = snapshots;
  const { isCut, ...restored } = await storage.recover(newest?.meta);
  if (isCut) await storage.append(restored.hardState, restored.base, []);
  const applied = stateMachine.applied();
  if (applied > restored.applied)
    throw new RaftError(
      "invalid",
      `the state machine is at ${applied}, the snapshot in ${dir} at ${restored.applied}: it must begin at the snapshot or before`,
    );
  if (!newest) return restored;
  if (applied < newest.meta.index) await stateMachine.restore(newest.meta.index, snapshots.chunks(newest));
  stateMachine.membersChanged?.(newest.meta.membership.members, newest.meta.index);
  return restored;
}

function coreConfig({ id, timing, limits, random }: Settings): CoreConfig {
  const ticks = (ms: number) => Math.max(1, Math.round(ms / timing.tickMs));
  const {
    maxAppendBytes,
    maxInflight,
    maxInflightBytes,
    maxUncommittedBytes,
    maxReads,
    promoteLagEntries,
    maxMembers,
  } = limits;
  return {
    id,
    random,
    electionTicks: ticks(timing.electionMs),
    heartbeatTicks: ticks(timing.heartbeatMs),
    maxAppendBytes,
    maxInflight,
    maxInflightBytes,
    maxUncommittedBytes,
    maxReads,
    promoteLagEntries,
    maxMembers,
  };
}
