/** Busybox's tools as links in one folder, for images that bring such tools and for exec lines such as `nslookup` and `nc`. */
import { execFile } from "node:child_process";
import { mkdirSync, readlinkSync, symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { findProgram } from "./find-program.ts";

const run = promisify(execFile);

/** Fills `folder` with a link per applet; empty where there is no busybox on PATH. Returns the folder. */
export async function linkApplets(folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const busybox = findProgram("busybox", process.env.PATH);
  if (busybox === undefined || targetOf(join(folder, "busybox")) === busybox) return folder;
  const { stdout } = await run(busybox, ["--list"]);
  const names = stdout.split("\n").filter((name) => /^[\w[.+-]+$/.test(name) && name !== "busybox");
  for (const name of [...names, "busybox"]) replaceLink(join(folder, name), busybox);
  return folder;
}

function targetOf(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}

function replaceLink(link: string, target: string): void {
  if (targetOf(link) !== undefined) unlinkSync(link);
  symlinkSync(target, link);
}
