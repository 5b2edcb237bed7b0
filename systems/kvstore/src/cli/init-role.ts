/** The init container: says which role this pod begins with, in its log and in a file, as the original's did. The Lease decides later. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { podIdentity } from "@coracle/pod";
import { readOrdinal } from "../node/ordinal.ts";

export type InitialRole = "MASTER" | "REPLICA";

type Env = Readonly<Record<string, string | undefined>>;

/** Writes `<dir>/role` and returns what it wrote and why. */
export async function initRole(dir: string, env: Env = process.env): Promise<{ role: InitialRole; reason: string }> {
  const { ordinal, name } = podIdentity(env);
  const wanted = await readOrdinal(env, (path) => readFile(path, "utf8"));
  const role: InitialRole = ordinal !== undefined && ordinal === wanted ? "MASTER" : "REPLICA";
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, "role"), `${role}\n`);
  return { role, reason: `pod ${name}, MASTER_ORDINAL ${wanted ?? "not set"}` };
}
