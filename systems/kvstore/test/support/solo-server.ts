/** A whole server on a temporary folder and a free loopback port, over the log of solo-log.ts. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@coracle/pod";
import type { Backend } from "../../src/server/backend.ts";
import { queriesWith } from "../../src/server/commands/table.ts";
import { ScanCursors } from "../../src/server/cursors.ts";
import { type KvServer, type ServerOptions, startServer } from "../../src/server/server.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { type SoloLog, soloLog } from "./solo-log.ts";

export interface SoloServer extends AsyncDisposable {
  readonly server: KvServer;
  readonly store: Store;
  readonly log: SoloLog;
  readonly dir: string;
}

export async function startSolo(
  options: Partial<ServerOptions> = {},
  backend: Partial<Backend> = {},
): Promise<SoloServer> {
  const dir = await mkdtemp(join(tmpdir(), "kvstore-server-"));
  const cursors = new ScanCursors();
  const store = await openStore({ dir, query: queriesWith(cursors) });
  const log = soloLog(store);
  const server = await startServer({
    backend: {
      store,
      log,
      disk: { freeBytes: 1e12, refusal: () => undefined },
      reads: "never",
      maxStalenessMs: 1000,
      clientAddress: (id) => `${id}.kv.example:5555`,
      ...backend,
    },
    cursors,
    logger: silentLogger,
    host: "127.0.0.1",
    port: 0,
    ...options,
  });
  const stop = async () => {
    await server.stop(100);
    await store.close();
    await rm(dir, { recursive: true });
  };
  return { server, store, log, dir, [Symbol.asyncDispose]: stop };
}
