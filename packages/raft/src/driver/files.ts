/** Files that are replaced as a whole: written beside, synced, renamed, and the folder synced. */
import { type FileHandle, open, rename } from "node:fs/promises";
import { dirname } from "node:path";

export async function replaceFile(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(`${path}.new`, "w", 0o600);
  try {
    await write(file);
    await file.sync();
  } finally {
    await file.close();
  }
  await moveFile(`${path}.new`, path);
}

/** Durable when it resolves; the file's content must be already. */
export async function moveFile(from: string, to: string): Promise<void> {
  await rename(from, to);
  const folder = await open(dirname(to), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

const PIECE_BYTES = 4 << 20;

/**
 * For a large file that is being written: syncs it each time that another piece has been. The log lies on the same disk, where one file's sync may have to
 * wait for what others have written: all at once would hold up every write of the group for as long as the disk takes for the whole file.
 * The returned function is told how much was written; what is behind the last whole piece is left to the caller.
 */
export function syncPiecewise(file: Pick<FileHandle, "datasync">): (writtenBytes: number) => Promise<void> {
  let unsynced = 0;
  return async (writtenBytes) => {
    unsynced += writtenBytes;
    if (unsynced < PIECE_BYTES) return;
    unsynced = 0;
    await file.datasync();
  };
}

export const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT";
