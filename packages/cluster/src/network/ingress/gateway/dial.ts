/** A request to one endpoint after another, until one takes it. */
import { type ClientRequest, type IncomingMessage, request as startRequest } from "node:http";
import { systemCode } from "../../errors.ts";
import { type Address, addressKey } from "../../proxy/messages.ts";
import type { Gate, Refusal } from "./gate.ts";

const maxAttempts = 3;
const connectMs = 5_000;
/** Between two signs of life of the backend. */
const answerMs = 60_000;

/** Requests that may be sent twice when a kept connection turns out to be dead. */
const repeatable = new Set(["GET", "HEAD", "OPTIONS"]);

export interface Dial {
  readonly headers: string[];
  /** An upgrade needs a connection of its own. */
  readonly isUpgrade: boolean;
  /** The request is under way; its body may follow. */
  connected(upstream: ClientRequest, endpoint: Address, backend: string): void;
  /** None took it. Not called once the request has been answered. */
  refused(status: Refusal): void;
}

/** An endpoint that refuses the connection (its process just died) is not the client's business while there are others. */
export function dial(gate: Gate, request: IncomingMessage, options: Dial): void {
  const backend = gate.route(request);
  if (backend === undefined) options.refused(404);
  else attempt({ gate, request, options, backend, tried: new Set(), isRepeat: false });
}

interface Attempt {
  readonly gate: Gate;
  readonly request: IncomingMessage;
  readonly options: Dial;
  readonly backend: string;
  readonly tried: ReadonlySet<string>;
  readonly isRepeat: boolean;
}

function attempt(state: Attempt): void {
  const { gate, request, options, backend, tried } = state;
  const endpoint = gate.upstreams.choose(backend, request.socket.remoteAddress ?? "", tried);
  if (!endpoint || tried.size >= maxAttempts) {
    options.refused(tried.size > 0 ? 502 : 503);
    return;
  }
  const upstream = begin(state, endpoint);
  if (!upstream) {
    options.refused(502);
    return;
  }
  let isTimedOut = false;
  upstream.once("timeout", () => {
    isTimedOut = true;
    upstream.destroy();
  });
  upstream.once("error", (error) => {
    if (request.socket.destroyed) return;
    const next = isTimedOut ? undefined : nextAttempt(state, upstream, endpoint, error);
    if (next) attempt(next);
    else options.refused(isTimedOut ? 504 : 502);
  });
  upstream.once("socket", (socket) => {
    const start = (): void => {
      upstream.setTimeout(answerMs);
      options.connected(upstream, endpoint, backend);
    };
    if (socket.connecting) socket.once("connect", start);
    else start();
  });
}

/** Undefined for what Node.js reads but refuses to write, such as certain bytes in a path. */
function begin({ gate, request, options }: Attempt, { address, port }: Address): ClientRequest | undefined {
  try {
    return startRequest({
      host: address,
      port,
      method: request.method ?? "GET",
      path: request.url ?? "/",
      headers: options.headers,
      agent: options.isUpgrade ? false : gate.upstreams.agent,
      timeout: connectMs,
    });
  } catch {
    return undefined;
  }
}

/** Only what has certainly not been acted upon, or may be twice, is tried again. */
function nextAttempt(state: Attempt, upstream: ClientRequest, endpoint: Address, error: Error): Attempt | undefined {
  if (systemCode(error) === "ECONNREFUSED") return { ...state, tried: new Set([...state.tried, addressKey(endpoint)]) };
  const isBodiless =
    !state.request.headers["transfer-encoding"] && !Number(state.request.headers["content-length"] ?? 0);
  const isStale = upstream.reusedSocket && !state.isRepeat && repeatable.has(state.request.method ?? "") && isBodiless;
  return isStale ? { ...state, isRepeat: true } : undefined;
}
