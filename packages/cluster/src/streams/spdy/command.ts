/** exec and attach over SPDY, `v4.channel.k8s.io`: the client opens one stream for each channel and names it in `streamtype`. */
import type { ExecSession } from "../../kubelet/types.ts";
import { type CommandRequest, carry, openSession, readCommandRequest, resize } from "../command.ts";
import { StreamError } from "../errors.ts";
import type { StreamContext } from "../types.ts";
import type { SpdyConnection } from "./connection.ts";
import type { SpdyStream } from "./stream.ts";

export const commandProtocol = "v4.channel.k8s.io";

/** What the kubelet allows a client to open its streams. */
const streamsWithinMs = 30_000;
/** A terminal's size is longer than this by no means. */
const maxResizeBytes = 4096;

type StreamType = "error" | "stdin" | "stdout" | "stderr" | "resize";

/** Starts the process, then lets `upgrade` make the connection: what is wrong with the request is still said in HTTP. */
export async function commandOverSpdy(context: StreamContext, upgrade: () => SpdyConnection): Promise<void> {
  const request = readCommandRequest(context.query);
  const session = await openSession(context, request);
  const connection = upgrade();
  const streams = await collect(connection, expected(request));
  const status = streams.get("error");
  readSizes(streams.get("resize"), session);
  await carry(session, {
    stdin: streams.get("stdin"),
    stdout: streams.get("stdout"),
    stderr: streams.get("stderr"),
    sendStatus: (result) => status?.end(JSON.stringify(result)),
  });
  await connection.end();
}

const expected = (request: CommandRequest): Set<StreamType> =>
  new Set([
    "error",
    ...(["stdin", "stdout", "stderr"] as const).filter((name) => request[name]),
    ...(request.tty ? (["resize"] as const) : []),
  ]);

/** Resolves when all of `wanted` are open; others are refused. */
function collect(connection: SpdyConnection, wanted: Set<StreamType>): Promise<Map<string, SpdyStream>> {
  const streams = new Map<string, SpdyStream>();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new StreamError("Timeout", `the client did not open its streams in ${streamsWithinMs} ms`));
      connection.close();
    }, streamsWithinMs).unref();
    connection.once("close", () => {
      clearTimeout(timer);
      reject(new StreamError("Reset", "the client left before its streams were open"));
    });
    connection.on("stream", (stream) => {
      const type = stream.headers.streamtype as StreamType;
      if (!wanted.delete(type)) return void stream.destroy();
      streams.set(type, stream);
      if (wanted.size > 0) return;
      clearTimeout(timer);
      resolve(streams);
    });
  });
}

/** Sizes come as JSON objects, one after another without a separator. */
function readSizes(stream: SpdyStream | undefined, session: ExecSession): void {
  let text = "";
  stream?.on("data", (chunk: Buffer) => {
    text += chunk.toString();
    for (let end = text.indexOf("}"); end !== -1; end = text.indexOf("}")) {
      resize(session, text.slice(0, end + 1));
      text = text.slice(end + 1);
    }
    if (text.length > maxResizeBytes) stream.destroy();
  });
}
