/** Port-forward over SPDY: for each connection the client opens an error and a data stream, paired by `requestid`. */
import { dialError, join, readPort } from "../forward.ts";
import type { StreamContext } from "../types.ts";
import type { SpdyConnection } from "./connection.ts";
import type { SpdyStream } from "./stream.ts";

export const forwardProtocol = "portforward.k8s.io";

/** What the kubelet allows between the streams of a pair. */
const pairWithinMs = 30_000;

interface Pair {
  error?: SpdyStream;
  data?: SpdyStream;
  readonly timer: NodeJS.Timeout;
}

/** Serves forwarded connections until the client leaves. */
export function forwardOverConnection(context: StreamContext, connection: SpdyConnection): Promise<void> {
  const pairs = new Map<string, Pair>();
  connection.on("stream", (stream) => {
    const type = stream.headers.streamtype;
    if (type !== "error" && type !== "data") return void stream.destroy();
    const id = requestId(stream, type);
    const pair = pairs.get(id) ?? newPair(pairs, id);
    pair[type] = stream;
    if (!pair.error || !pair.data) return;
    clearTimeout(pair.timer);
    pairs.delete(id);
    void forward(context, pair.data, pair.error);
  });
  return new Promise((resolve) =>
    connection.once("close", () => {
      for (const { timer } of pairs.values()) clearTimeout(timer);
      resolve();
    }),
  );
}

/** Old clients send none: there the error stream comes right before its data stream. */
const requestId = ({ headers, id }: SpdyStream, type: "error" | "data"): string =>
  headers.requestid ?? `stream ${type === "error" ? id : id - 2}`;

function newPair(pairs: Map<string, Pair>, id: string): Pair {
  const timer = setTimeout(() => {
    pairs.delete(id);
    pair.error?.destroy();
    pair.data?.destroy();
  }, pairWithinMs).unref();
  const pair: Pair = { timer };
  pairs.set(id, pair);
  return pair;
}

async function forward({ kubelet, pod, signal }: StreamContext, data: SpdyStream, error: SpdyStream): Promise<void> {
  const port = data.headers.port ?? "";
  try {
    const target = await kubelet.dial(pod, readPort(port), signal);
    error.resume().end();
    await join(data, target);
  } catch (cause) {
    error.resume().end(dialError(pod, Number(port), cause));
    data.resume().end();
  }
}
