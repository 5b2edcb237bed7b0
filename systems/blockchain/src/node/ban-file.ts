/** Bans outlive a restart. Losing them harms nobody for long, so a file that can't be read is no reason not to start. */

import { renameSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Logger } from "@coracle/pod";
import { messageOf } from "../errors.ts";
import type { Ban } from "../p2p/bans.ts";

export async function readBans(path: string, logger: Logger): Promise<readonly Ban[]> {
  try {
    const bans: unknown = JSON.parse(await readFile(path, "utf8"));
    return Array.isArray(bans) ? bans.filter(isBan) : [];
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (!isMissing) logger.warn("the list of bans can't be read", { path, reason: messageOf(error) });
    return [];
  }
}

/** Synchronous: it is small, and changes rarely. */
export function writeBans(path: string, bans: readonly Ban[], logger: Logger): void {
  try {
    writeFileSync(`${path}.new`, JSON.stringify(bans));
    renameSync(`${path}.new`, path);
  } catch (error) {
    logger.warn("the list of bans can't be written", { path, reason: messageOf(error) });
  }
}

function isBan(value: unknown): value is Ban {
  if (typeof value !== "object" || value === null) return false;
  const { address, createdMs, untilMs, reason } = value as Readonly<Record<string, unknown>>;
  return (
    typeof address === "string" &&
    typeof createdMs === "number" &&
    typeof untilMs === "number" &&
    typeof reason === "string"
  );
}
