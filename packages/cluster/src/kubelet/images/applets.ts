/** Busybox's tools as links in one folder, for images that bring such tools and for exec lines such as `nslookup` and `nc`. */
import { execFile } from "node:child_process";
import { mkdir, readlink, symlink, unlink } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { findProgram } from "./find-program.ts";

const run = promisify(execFile);

/** Fills `folder` with a link per applet; empty where there is no busybox on PATH. Returns the folder. */
export async function linkApplets(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const busybox = findProgram("busybox", process.env.PATH);
  if (busybox === undefined || (await targetOf(join(folder, "busybox"))) === busybox) return folder;
  const { stdout } = await run(busybox, ["--list"]);
  const names = stdout.split("\n").filter((name) => /^[\w[.+-]+$/.test(name) && name !== "busybox");
  await Promise.all(names.map((name) => replaceLink(join(folder, name), busybox)));
  // Last: it is what says that the folder is complete.
  await replaceLink(join(folder, "busybox"), busybox);
  return folder;
}

const targetOf = (link: string): Promise<string | undefined> => readlink(link).catch(() => undefined);

async function replaceLink(link: string, target: string): Promise<void> {
  if ((await targetOf(link)) !== undefined) await unlink(link);
  await symlink(target, link);
}
