/**
 * Keeps two processes from one wallet file: each would overwrite what the other saved, keys included.
 *
 * A file that merely lies there outlives its process, and the process id in it means nothing in another container. LevelDB's lock is the
 * operating system's and ends with whoever holds it, however that ends; Node.js itself offers none.
 */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { ClassicLevel } from "classic-level";
import { messageOf } from "../../errors.ts";
import { WalletError } from "../errors.ts";

/** Resolves with how to release it. Rejects with `bad-file` while another has it. */
export async function lockFile(path: string): Promise<() => Promise<void>> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const lock = new ClassicLevel(`${path}.lock`);
  try {
    await lock.open();
  } catch (cause) {
    throw new WalletError("bad-file", refusal(path, cause), { cause });
  }
  return () => lock.close();
}

function refusal(path: string, error: unknown): string {
  const { cause } = error as { readonly cause?: unknown };
  return (cause as { readonly code?: unknown } | undefined)?.code === "LEVEL_LOCKED"
    ? `Another process has ${path} open. Stop it, or give this node another WALLET_FILE.`
    : `${path} can't be locked: ${messageOf(cause ?? error)}`;
}
