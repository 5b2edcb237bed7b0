/** Changes as they happen: one JSON object a line, for as long as the client listens. */

import { keyOf, prefixEnd } from "../kv/keys.ts";
import type { Kv, WatchEvent, Watcher } from "../kv/types.ts";
import { type Answer, failure } from "./answer.ts";
import { type Call, flag, keyInPath, onlyKnown, wholeNumber } from "./call.ts";
import { shown } from "./kv-routes.ts";

/** Batches that wait for a slow client; the store keeps the rest in its history until it has read them. */
const MAX_WAITING = 64;

export function watchKey(kv: Kv, call: Call): Answer {
  onlyKnown(call.query, ["prefix", "revision", "encoding"]);
  const key = keyInPath(call.rest, call.query.get("encoding") === "base64");
  const isPrefix = flag(call.query, "prefix");
  if (key === "" && !isPrefix)
    return failure(400, "bad-request", "The path names no key. All of them: /v1/watch/?prefix");
  const encoding = call.query.get("encoding") === "base64" ? "base64" : "text";
  const startRevision = wholeNumber(call.query, "revision") ?? 0;
  const range = { key: key === "" ? keyOf("\0") : key, ...(isPrefix && { rangeEnd: prefixEnd(key) }) };
  const line = ({ type, kv: each }: WatchEvent): object => ({ type, ...shown(each, encoding) });
  return {
    status: 200,
    headers: { "content-type": "application/x-ndjson" },
    stream: lines(kv, { ...range, startRevision }, line, call.signal),
  };
}

async function* lines(
  kv: Kv,
  options: Parameters<Kv["watch"]>[0],
  line: (event: WatchEvent) => object,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const waiting: Buffer[] = [];
  let isOver = false;
  let wake = (): void => undefined;
  const push = (objects: readonly object[]): void => {
    waiting.push(Buffer.from(objects.map((object) => `${JSON.stringify(object)}\n`).join("")));
    wake();
  };
  const watcher: Watcher = kv.watch(options, {
    events: (events) => {
      push(events.map(line));
      return waiting.length < MAX_WAITING;
    },
    compacted: (revision) => {
      isOver = true;
      push([{ type: "compacted", revision }]);
    },
  });
  const end = (): void => {
    isOver = true;
    wake();
  };
  signal.addEventListener("abort", end, { once: true });
  try {
    while (!signal.aborted) {
      const next = waiting.shift();
      if (next) yield next;
      else if (isOver) return;
      else {
        watcher.resume();
        if (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      }
    }
  } finally {
    watcher.cancel();
    signal.removeEventListener("abort", end);
  }
}
