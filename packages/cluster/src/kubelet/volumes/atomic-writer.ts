/**
 * Writes a set of files so that a reader sees the old set or the new one, never a mixture, in Kubernetes' layout: the files lie in a
 * folder named by time, `..data` is a link to it, every visible name is a link into `..data`, and an update swaps that one link.
 */
import { createHash } from "node:crypto";
import { chmod, mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ProjectedFile } from "./types.ts";

const data = "..data";

/** Returns whether anything changed. */
export async function writeAtomically(folder: string, files: ReadonlyMap<string, ProjectedFile>): Promise<boolean> {
  await mkdir(folder, { recursive: true });
  const current = await readlink(join(folder, data)).catch(() => undefined);
  const print = fingerprint(files);
  if (current !== undefined && (await readPrint(folder, current)) === print) return false;
  const fresh = `..${new Date().toISOString().replace(/[-:T]/g, "_").replace("Z", "")}.${Math.random().toString(36).slice(2, 8)}`;
  await writeFiles(join(folder, fresh), files);
  await symlink(fresh, join(folder, `${data}_tmp`));
  await rename(join(folder, `${data}_tmp`), join(folder, data));
  await linkVisible(folder, topLevel(files));
  await writeFile(printFile(folder), `${fresh} ${print}`);
  if (current !== undefined) await rm(join(folder, current), { recursive: true, force: true });
  return true;
}

/** Beside the folder, where the container does not see it. */
const printFile = (folder: string) => `${folder}.print`;

async function readPrint(folder: string, current: string): Promise<string | undefined> {
  const [of, print] = (await readFile(printFile(folder), "utf8").catch(() => "")).split(" ");
  return of === current ? print : undefined;
}

function fingerprint(files: ReadonlyMap<string, ProjectedFile>): string {
  const hash = createHash("sha256");
  for (const path of [...files.keys()].sort()) {
    const { content, mode } = files.get(path) as ProjectedFile;
    hash.update(`${path}\0${mode}\0${Buffer.byteLength(content)}\0`).update(content);
  }
  return hash.digest("hex");
}

const topLevel = (files: ReadonlyMap<string, ProjectedFile>): Set<string> =>
  new Set([...files.keys()].map((path) => path.split("/")[0] ?? path));

async function writeFiles(folder: string, files: ReadonlyMap<string, ProjectedFile>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [path, { content, mode }] of files) {
    const place = join(folder, path);
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, content, { mode });
    // The umask took its part of the mode at creation.
    await chmod(place, mode);
  }
}

async function linkVisible(folder: string, names: ReadonlySet<string>): Promise<void> {
  const present = (await readdir(folder)).filter((name) => !name.startsWith(".."));
  for (const name of present.filter((each) => !names.has(each))) await rm(join(folder, name), { force: true });
  for (const name of [...names].filter((each) => !present.includes(each))) {
    await symlink(join(data, name), join(folder, name));
  }
}
