/**
 * kvstore: a replicated key-value store that fails over by itself. It is a program first (`kvstore server`, see README.md); what stands
 * here is for tests, drills and tools that look at its data.
 */
export { type BackupOptions, type BackupResult, backup } from "./cli/backup.ts";
export { askOnce, Client, type Target } from "./cli/client.ts";
export { readStatus } from "./cli/status.ts";
export { KvStoreError, type KvStoreErrorCode } from "./errors.ts";
export { type Replica, type ReplicaOptions, startReplica } from "./node/replica.ts";
export { SETTINGS, type ServerSettings } from "./node/settings.ts";
export { decodeSnapshot, encodeSnapshot, type SnapshotHeader, type SnapshotPart } from "./store/snapshot.ts";
export { openStore, type Store } from "./store/store.ts";
