/**
 * One process per data folder. Node has no flock. On Linux an abstract socket named after the folder's device and inode does the
 * same: the kernel drops it with the process, whatever path the folder is mounted at. It is seen within one network namespace;
 * between pods, Kubernetes gives a ReadWriteOnce claim of a StatefulSet to one pod. Elsewhere a file names the process.
 */
import { createHash } from "node:crypto";
import { open, readFile, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { KvStoreError, systemCode } from "../errors.ts";

export type Unlock = () => Promise<void>;

/** Rejects with `locked` while another process holds the folder. */
export const lockFolder = (dir: string): Promise<Unlock> =>
  process.platform === "linux" ? lockBySocket(dir) : lockByFile(dir);

async function lockBySocket(dir: string): Promise<Unlock> {
  const { dev, ino } = await stat(dir);
  const name = createHash("sha256").update(`${dev}:${ino}`).digest("hex").slice(0, 32);
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(systemCode(error) === "EADDRINUSE" ? locked(dir) : error));
    server.listen(`\0coracle-kvstore-${name}`, resolve);
  });
  server.unref();
  return () => new Promise((resolve) => server.close(() => resolve()));
}

async function lockByFile(dir: string): Promise<Unlock> {
  const path = join(dir, "kvstore.lock");
  const owner = Number(await readFile(path, "utf8").catch(() => 0));
  if (owner > 0 && isRunning(owner)) throw locked(dir);
  await rm(path, { force: true });
  const file = await open(path, "wx").catch((error: unknown) => {
    throw systemCode(error) === "EEXIST" ? locked(dir) : error;
  });
  await file.writeFile(String(process.pid));
  await file.close();
  return () => rm(path, { force: true });
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return systemCode(error) === "EPERM";
  }
}

const locked = (dir: string): KvStoreError =>
  new KvStoreError(
    "locked",
    `Another process is using the data folder ${dir}. Nothing was changed. Stop that process, or choose another --data-dir.`,
  );
