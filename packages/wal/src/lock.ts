/**
 * One process per folder. Node has no flock; on Linux an abstract socket named after the folder's device and inode does the same
 * (gone with the process, whatever path the folder is mounted at, but seen only within one network namespace; between pods, Kubernetes gives a
 * ReadWriteOnce claim of a StatefulSet to one pod). Elsewhere, a file that names the process.
 */
import { createHash } from "node:crypto";
import { open, readFile, rm, stat } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { WalError } from "./errors.ts";

/** Resolves with the function that releases the lock; rejects with WalError `locked` while another process has the folder. */
export async function lockFolder(dir: string): Promise<() => Promise<void>> {
  return process.platform === "linux" ? lockBySocket(dir) : lockByFile(dir);
}

const locked = (dir: string, who: string): WalError =>
  new WalError(
    "locked",
    `${dir} is in use by ${who}. Nothing was changed. Stop that process, or choose another folder.`,
  );

async function lockBySocket(dir: string): Promise<() => Promise<void>> {
  const { dev, ino } = await stat(dir);
  const name = createHash("sha256").update(`${dev}:${ino}`).digest("hex").slice(0, 32);
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(error.code === "EADDRINUSE" ? locked(dir, "another process") : error),
    );
    server.listen(`\0coracle-lock-${name}`, resolve);
  });
  server.unref();
  return () => closed(server);
}

const closed = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

async function lockByFile(dir: string): Promise<() => Promise<void>> {
  const path = join(dir, ".lock");
  for (let attempt = 0; attempt < 3; attempt++) {
    const file = await open(path, "wx").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "EEXIST") return undefined;
      throw error;
    });
    if (file) {
      await file.write(String(process.pid));
      await file.close();
      return () => rm(path, { force: true });
    }
    const pid = Number(await readFile(path, "utf8").catch(() => "0"));
    if (isRunning(pid)) throw locked(dir, `process ${pid}`);
    await rm(path, { force: true });
  }
  throw locked(dir, "processes that start at the same time");
}

function isRunning(pid: number): boolean {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
