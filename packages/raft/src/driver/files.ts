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

export const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT";
