import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Connection } from "../../src/etcd/http2/connection.ts";
import { defaultLimits } from "../../src/etcd/http2/limits.ts";

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

/** A connection whose client has sent `text` and says no more. */
async function after(text: string): Promise<PassThrough> {
  const socket = new PassThrough();
  new Connection(socket, defaultLimits, () => undefined);
  socket.emit("data", Buffer.from(text));
  vi.advanceTimersByTime(defaultLimits.greetingMs - 1);
  expect(socket.destroyed).toBe(false);
  vi.advanceTimersByTime(1);
  return socket;
}

it.each(["", "P", preface.slice(0, -1)])("who never ends the preface is cut off: %j", async (text) => {
  expect((await after(text)).destroyed).toBe(true);
});

it("who has greeted may be silent as long as it likes", async () => {
  const socket = await after(preface);
  vi.advanceTimersByTime(100 * defaultLimits.greetingMs);
  expect(socket.destroyed).toBe(false);
});

it("nothing is left ticking for a connection that is gone", () => {
  const socket = new PassThrough();
  new Connection(socket, defaultLimits, () => undefined);
  socket.emit("close");
  expect(vi.getTimerCount()).toBe(0);
});
