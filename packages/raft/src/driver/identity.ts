/** Whose folder it is. A folder of another member or cluster is refused: its votes and its log would be taken for this one's. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { RaftError } from "../errors.ts";
import { isMissing, replaceFile } from "./files.ts";

interface Identity {
  readonly id: string;
  readonly clusterId: string;
}

const VERSION = 1;

/** Whether the folder belongs to this member already; false when to nobody. Throws RaftError `wrong-cluster` or `corrupt`. */
export async function isOwnFolder(dir: string, { id, clusterId }: Identity): Promise<boolean> {
  const path = join(dir, "member.json");
  const found = await readIdentity(path);
  if (!found) return false;
  if (found.clusterId !== clusterId)
    throw new RaftError(
      "wrong-cluster",
      `${dir} holds data of cluster ${found.clusterId}, not of ${clusterId}: mount the right volume`,
    );
  if (found.id !== id)
    throw new RaftError(
      "wrong-cluster",
      `${dir} holds the data of member ${found.id}, not of ${id}: mount the right volume`,
    );
  return true;
}

/** Noted last, when log and membership are durable: a folder without it is as good as empty. */
export async function claimFolder(dir: string, { id, clusterId }: Identity): Promise<void> {
  const text = `${JSON.stringify({ version: VERSION, id, clusterId })}\n`;
  await replaceFile(join(dir, "member.json"), async (file) => {
    await file.writeFile(text);
  });
}

async function readIdentity(path: string): Promise<Identity | undefined> {
  try {
    const { version, id, clusterId } = JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
    if (version === VERSION && typeof id === "string" && typeof clusterId === "string") return { id, clusterId };
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw new RaftError("corrupt", `${path} can't be read`, { cause });
  }
  throw new RaftError("corrupt", `${path} makes no sense`);
}
