/** What the chain's database can fail with. Blocks and headers that are not taken are no errors but results, see `Rejection`. */
import { BlockchainError, messageOf } from "../errors.ts";

export const damaged = (what: string, cause?: unknown): BlockchainError =>
  new BlockchainError(
    "damaged",
    `The chain database is damaged: ${what}. It was left as it is. Wallets are not in it and are safe: ` +
      "stop the node, move the database's folder away and start again; the node fetches the chain from its peers.",
    { cause },
  );

export const diskFull = (dir: string, cause?: unknown): BlockchainError =>
  new BlockchainError(
    "disk-full",
    `The disk that holds ${dir} has no room. What was stored before is safe, and reads go on. ` +
      "Free space or enlarge the volume; the node goes on by itself then.",
    { cause },
  );

const locked = (dir: string, cause: unknown): BlockchainError =>
  new BlockchainError(
    "locked",
    `Another process is using the chain database ${dir}. Nothing was changed. Stop that process, or choose another folder.`,
    { cause },
  );

export const closed = (): BlockchainError => new BlockchainError("closed", "The chain is closed.");

/** All messages along the chain of causes: LevelDB's own words are in the innermost. */
function wordsOf(error: unknown): string {
  const words: string[] = [];
  for (let at: unknown = error; at !== undefined && words.length < 8; at = at instanceof Error ? at.cause : undefined) {
    words.push(messageOf(at));
    if (at instanceof Error && "code" in at) words.push(String(at.code));
  }
  return words.join(": ");
}

/** Turns what LevelDB throws into an error that says what to do. */
export function asDatabaseError(error: unknown, dir: string): BlockchainError {
  if (error instanceof BlockchainError) return error;
  const words = wordsOf(error);
  if (/No space left on device|ENOSPC|EDQUOT|quota exceeded/i.test(words)) return diskFull(dir, error);
  if (/LEVEL_LOCKED|already held by process|lock .*LOCK/i.test(words)) return locked(dir, error);
  if (/corrupt|LEVEL_CORRUPTION|missing files|CURRENT|not a .*manifest|bad block/i.test(words))
    return damaged(words, error);
  return new BlockchainError("database", `The chain database ${dir} failed: ${words}`, { cause: error });
}
