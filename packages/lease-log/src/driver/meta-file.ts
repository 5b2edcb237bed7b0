/** The meta file: replaced as a whole, durable with its folder when `write` resolves. */
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { Meta } from "../core/types.ts";
import { LeaseLogError } from "../errors.ts";

const VERSION = 1;

export function emptyMeta(freshDataId: string): Meta {
  return { dataId: undefined, freshDataId, epochSeen: 0, isComplete: false, inSync: undefined };
}

/** Undefined when there is none. Throws LeaseLogError `corrupt`. */
export async function readMeta(path: string): Promise<Meta | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new LeaseLogError("failed", `${path} can't be read`, { cause: error });
  }
  const meta = parse(text);
  if (!meta) throw new LeaseLogError("corrupt", `${path} makes no sense: empty the folder to copy from the primary`);
  return meta;
}

function parse(text: string): Meta | undefined {
  try {
    const { version, ...meta } = JSON.parse(text) as Record<string, unknown> & Meta;
    const isMeta = version === VERSION && Number.isInteger(meta.epochSeen) && typeof meta.freshDataId === "string";
    return isMeta ? { ...meta, dataId: meta.dataId, inSync: meta.inSync } : undefined;
  } catch {
    return undefined;
  }
}

export async function writeMeta(path: string, meta: Meta): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(`${path}.new`, "w");
  try {
    await file.writeFile(`${JSON.stringify({ version: VERSION, ...meta }, undefined, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
