/** What a route answers with, and how it is written. */
import type { ServerResponse } from "node:http";
import { messageOf, systemCode } from "../errors.ts";
import { grpc, isRefusal, refusals } from "../kv/refusals.ts";

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes go out as they are, everything else as JSON. */
  readonly body?: unknown;
  /** Instead of a body: goes out as it comes, for as long as the client listens. */
  readonly stream?: AsyncIterable<Uint8Array>;
}

export const json = (body: unknown, status = 200): Answer => ({ status, body });

export const failure = (status: number, code: string, message: string, headers: Answer["headers"] = {}): Answer => ({
  status,
  headers,
  body: { error: { code, message } },
});

/** HTTP's words for gRPC's. */
const statusOfGrpc: Readonly<Record<number, number>> = {
  [grpc.invalid]: 400,
  [grpc.outOfRange]: 400,
  [grpc.notFound]: 404,
  [grpc.exists]: 409,
  [grpc.precondition]: 409,
  [grpc.exhausted]: 429,
  [grpc.unavailable]: 503,
  [grpc.canceled]: 499,
};

/** Codes of our own and of Raft. What may have happened all the same is 504, so that nobody repeats it blindly. */
const statusOfCode: Readonly<Record<string, number>> = {
  "bad-request": 400,
  malformed: 400,
  "not-found": 404,
  conflict: 409,
  busy: 409,
  unsafe: 409,
  "not-transferred": 409,
  "too-large": 413,
  overloaded: 429,
  "no-space": 507,
  "no-leader": 503,
  "not-formed": 503,
  removed: 503,
  stopped: 503,
  timeout: 504,
  indeterminate: 504,
  invalid: 400,
};

export function answerOf(error: unknown): Answer {
  const code = systemCode(error) ?? (error instanceof Error && error.name === "AbortError" ? "timeout" : "internal");
  const own = statusOfCode[code];
  const refused = isRefusal(code) ? statusOfGrpc[refusals[code][0]] : undefined;
  const status = own ?? refused ?? 500;
  return failure(status, code, messageOf(error), status === 503 || status === 429 ? { "retry-after": "1" } : {});
}

export async function write(response: ServerResponse, { status, headers = {}, body, stream }: Answer): Promise<void> {
  if (response.destroyed) return;
  if (stream) return writeStream(response, status, headers, stream);
  const isBytes = body instanceof Uint8Array;
  const bytes = isBytes ? body : body === undefined ? "" : `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    "content-type": isBytes ? "application/octet-stream" : "application/json",
    "content-length": Buffer.byteLength(bytes),
    ...headers,
  });
  response.end(bytes);
}

async function writeStream(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  stream: AsyncIterable<Uint8Array>,
): Promise<void> {
  response.writeHead(status, { "content-type": "application/octet-stream", ...headers });
  response.flushHeaders();
  try {
    for await (const chunk of stream) {
      if (response.destroyed) return;
      if (!response.write(chunk)) await drained(response);
    }
    response.end();
  } catch (error) {
    // The status is gone already: only a broken connection tells that the rest is missing.
    response.destroy(error instanceof Error ? error : undefined);
  }
}

const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
  });
