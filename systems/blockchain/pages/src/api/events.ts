/**
 * Server-Sent Events by `fetch`, because EventSource can't send the key that wallets' events need. Comes back by itself with the number of the
 * last event, so that nothing is missed; the server says `reset` where it can't know what was.
 */
export interface ServerEvent {
  readonly name: string;
  readonly data: string;
}

interface Reader {
  readonly take: (chunk: string) => readonly ServerEvent[];
  readonly lastId: () => string | undefined;
}

/** The part of the format that our server writes: `id`, `event`, `data` lines, an empty line after each event, comments. */
export function eventReader(): Reader {
  let rest = "";
  let lastId: string | undefined;
  const parse = (block: string): ServerEvent | undefined => {
    const fields = new Map(
      block.split("\n").flatMap((line) => {
        const colon = line.indexOf(": ");
        return colon <= 0 ? [] : [[line.slice(0, colon), line.slice(colon + 2)] as const];
      }),
    );
    lastId = fields.get("id") ?? lastId;
    const data = fields.get("data");
    return data === undefined ? undefined : { name: fields.get("event") ?? "message", data };
  };
  return {
    take: (chunk) => {
      const blocks = (rest + chunk).split("\n\n");
      rest = blocks.pop() ?? "";
      return blocks.flatMap((block) => parse(block) ?? []);
    },
    lastId: () => lastId,
  };
}

export interface ListenOptions {
  readonly key: string | undefined;
  readonly signal: AbortSignal;
  readonly onEvent: (event: ServerEvent) => void;
  readonly onConnected: (connected: boolean) => void;
}

/** Listens until aborted. */
export async function listen({ key, signal, onEvent, onConnected }: ListenOptions): Promise<void> {
  const reader = eventReader();
  let pauseMs = firstPauseMs;
  while (!signal.aborted) {
    try {
      const response = await fetch(key ? "/api/wallet/events" : "/api/v1/events", {
        headers: { ...(key && { "x-api-key": key }), ...(reader.lastId() && { "last-event-id": reader.lastId() }) },
        signal,
      });
      if (response.ok && response.body) {
        onConnected(true);
        pauseMs = firstPauseMs;
        const decoder = new TextDecoderStream();
        for await (const chunk of chunksOf(response.body.pipeThrough(decoder as never) as never))
          for (const event of reader.take(chunk)) onEvent(event);
      } else pauseMs = Math.max(pauseMs, 1000 * Number(response.headers.get("retry-after") ?? 0));
    } catch {
      // The node is away: asked again below.
    }
    if (signal.aborted) return;
    onConnected(false);
    await sleep(pauseMs, signal);
    pauseMs = Math.min(2 * pauseMs, longestPauseMs);
  }
}

const firstPauseMs = 1000;
const longestPauseMs = 30_000;

/** Streams are not iterable in every browser. */
async function* chunksOf(stream: ReadableStream<string>): AsyncGenerator<string> {
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
