/** gRPC over our connections: which method a call is for, its request decoded, its answer or refusal sent. */
import { WhitewaterError } from "../errors.ts";
import { grpc, isRefusal, refusals } from "../kv/refusals.ts";
import type { Draft, Message } from "../proto/message.ts";
import type { Call, CallHandler } from "./http2/call.ts";
import type { Parts } from "./parts.ts";

/** A method with one request and one answer, which may be in parts. */
export interface Unary {
  run(body: Buffer): Promise<Parts>;
}

/** A method with a stream on at least one side. */
export interface Streaming {
  open(call: Call): CallHandler;
}

export type Method = Unary | Streaming;

/** By their path, `/package.Service/Method`. */
export type Methods = ReadonlyMap<string, Method>;

/** `encoded` is the request as it came. */
export const unary = <Q, A>(
  request: Message<Q>,
  answer: Message<A>,
  run: (request: Q, encoded: Buffer) => Promise<Draft<A>>,
): Unary => ({
  run: async (body) => [answer.encode(await run(request.decode(body), body))],
});

export interface Status {
  readonly code: number;
  readonly message: string;
}

/** What gRPC says of an error of ours; of any other only that it happened, since its text may hold what is none of the client's business. */
export function statusOf(error: unknown): Status {
  if (!(error instanceof WhitewaterError)) return { code: grpc.internal, message: "whitewater: internal error" };
  const code = isRefusal(error.code) ? refusals[error.code][0] : grpc.unknown;
  return { code, message: error.message };
}

export function dispatch(methods: Methods, onFault: (error: unknown) => void) {
  return (call: Call): void => {
    const method = methods.get(call.path);
    if (method === undefined) call.end(grpc.unimplemented, `unknown method ${call.path.slice(0, 200)}`);
    else if ("open" in method) call.handler = method.open(call);
    else call.handler = answering(call, method, onFault);
  };
}

function answering(call: Call, method: Unary, onFault: (error: unknown) => void): CallHandler {
  let body: Buffer | undefined;
  return {
    message(bytes) {
      if (body === undefined) body = bytes;
      else call.end(grpc.internal, "grpc: a second request for a method that takes one");
    },
    ended() {
      if (body === undefined) call.end(grpc.internal, "grpc: no request");
      else answer(call, method, body, onFault);
    },
    closed() {},
  };
}

function answer(call: Call, method: Unary, body: Buffer, onFault: (error: unknown) => void): void {
  method.run(body).then(
    (parts) => call.respond(...parts),
    (error: unknown) => refuseCall(call, error, onFault),
  );
}

export function refuseCall(call: Call, error: unknown, onFault: (error: unknown) => void): void {
  if (!(error instanceof WhitewaterError)) onFault(error);
  const { code, message } = statusOf(error);
  call.end(code, message);
}
