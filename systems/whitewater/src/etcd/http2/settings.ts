/** What we tell a client at the start, and what a client tells us. */
import { defaultWindow, frame, frameType, numberFrame, setting } from "./frames.ts";
import type { Http2Limits } from "./limits.ts";

/** What we let a client send before we have taken it in: of one call, and of all. */
export const callWindow: number = 1024 * 1024;
export const connectionWindow: number = 8 * 1024 * 1024;

export function greeting(limits: Http2Limits): Buffer {
  const rows = [
    [setting.maxStreams, limits.maxStreams],
    [setting.initialWindow, callWindow],
    [setting.maxHeaderList, limits.maxHeaderBytes],
  ] as const;
  const payload = Buffer.alloc(rows.length * 6);
  for (const [at, [name, value]] of rows.entries()) {
    payload.writeUInt16BE(name, at * 6);
    payload.writeUInt32BE(value, at * 6 + 2);
  }
  const widened = numberFrame(frameType.windowUpdate, 0, connectionWindow - defaultWindow);
  return Buffer.concat([frame(frameType.settings, 0, 0, payload), widened]);
}

/** Of the client's settings only the window of its calls matters to us: we send no larger frames or headers than every client takes. */
export function initialWindowOf(payload: Buffer): number | undefined {
  let window: number | undefined;
  for (let at = 0; at < payload.length; at += 6)
    if (payload.readUInt16BE(at) === setting.initialWindow) window = payload.readUInt32BE(at + 2);
  return window;
}
