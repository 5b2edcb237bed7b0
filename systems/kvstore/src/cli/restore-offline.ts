/** Restoring without a server: one runs for the while on the folder, alone, and is restored into like any other. */
import { readdir, rm } from "node:fs/promises";
import { loadConfig, silentLogger } from "@coracle/pod";
import { KvStoreError } from "../errors.ts";
import { createLocalArbiter } from "../node/local-arbiter.ts";
import { startReplica } from "../node/replica.ts";
import { SETTINGS } from "../node/settings.ts";
import { STANDALONE_ID } from "../node/standalone.ts";
import { checkBackup, findBackup } from "./backup-file.ts";
import { type RestoreResult, restore } from "./restore.ts";

const HOST = "127.0.0.1";
const TIMEOUT_MS = 60_000;

export interface OfflineOptions {
  /** Empty, or not there yet. */
  readonly dataDir: string;
  readonly path: string;
  readonly from: string;
}

/** For a server without Kubernetes. Leaves the folder empty when it rejects. */
export async function restoreOffline({ dataDir, path, from }: OfflineOptions): Promise<RestoreResult> {
  if ((await readdir(dataDir).catch(() => [])).length > 0)
    throw new KvStoreError("bad-config", `${dataDir} is not empty. Nothing was changed; choose another folder.`);
  await checkBackup(await findBackup(path, from));
  try {
    return await restoreInto({ dataDir, path, from });
  } catch (error) {
    await rm(dataDir, { recursive: true, force: true });
    throw error;
  }
}

async function restoreInto({ dataDir, path, from }: OfflineOptions): Promise<RestoreResult> {
  const argv = ["--data-dir", dataDir, "--port", "0", "--replication-port", "0"];
  const arbiter = createLocalArbiter(STANDALONE_ID);
  const replica = await startReplica({
    id: STANDALONE_ID,
    settings: loadConfig(SETTINGS, { argv, env: {} }),
    host: HOST,
    arbiter,
    peers: { peers: () => [], subscribe: () => () => undefined },
    logger: silentLogger,
    clientAddress: () => undefined,
  });
  try {
    await arbiter.start((record) => replica.log.candidacy(record));
    const target = { host: HOST, port: replica.server.port, timeoutMs: TIMEOUT_MS };
    return await restore({ target, path, from, replace: false });
  } finally {
    await arbiter.stop();
    await replica.stop();
  }
}
