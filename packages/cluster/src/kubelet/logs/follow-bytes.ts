import { open } from "node:fs/promises";
import type { ContainerLog } from "./container-log.ts";

const chunkBytes = 64 * 1024;

/** What a container writes, byte for byte as it comes (a prompt has no newline), from `offset` until it ends or the signal fires. */
export async function* followBytes(log: ContainerLog, offset: number, signal: AbortSignal): AsyncGenerator<Buffer> {
  const file = await open(log.path);
  let at = offset;
  let rotations = log.rotations;
  try {
    while (!signal.aborted) {
      const isLast = log.isClosed;
      if (rotations !== log.rotations) at = 0;
      rotations = log.rotations;
      const { buffer, bytesRead } = await file.read(Buffer.alloc(chunkBytes), 0, chunkBytes, at);
      at += bytesRead;
      if (bytesRead > 0) yield buffer.subarray(0, bytesRead);
      else if (isLast) return;
      else await log.changed(signal);
    }
  } finally {
    await file.close();
  }
}
