/**
 * JSON-RPC 1.0 and 2.0, single calls and batches. Pure but for the methods themselves: text in, status and text out.
 *
 * As in Bitcoin Core: a request that says `"jsonrpc": "2.0"` gets HTTP 200 for every well-formed call, and no answer without an id; any other
 * gets both `result` and `error`, and an HTTP status that tells an error.
 */
import { errorBody, RPC_CODES, RpcError } from "../errors.ts";
import type { Call } from "../method.ts";

export interface RpcAnswer {
  readonly status: number;
  /** Empty for notifications. */
  readonly text: string;
}

/** Runs one call; rejects with anything. */
export type Invoke = (method: string, params: unknown, call: Call) => Promise<unknown>;

const MOST_IN_BATCH = 1000;

interface Response {
  readonly status: number;
  /** Undefined for a notification. */
  readonly body: object | undefined;
}

export async function answer(text: string, invoke: Invoke, call: Call): Promise<RpcAnswer> {
  let request: unknown;
  try {
    request = JSON.parse(text);
  } catch {
    return textOf(failed(undefined, new RpcError("parse", "Parse error")));
  }
  if (!Array.isArray(request)) return textOf(await one(request, invoke, call));
  return batch(request, invoke, call);
}

/** One after the other: a client that wants them side by side uses several connections, of which there are few. */
async function batch(requests: readonly unknown[], invoke: Invoke, call: Call): Promise<RpcAnswer> {
  if (requests.length > MOST_IN_BATCH)
    return textOf(failed(undefined, new RpcError("invalidRequest", `Batches have at most ${MOST_IN_BATCH} calls`)));
  const bodies: object[] = [];
  for (const request of requests) {
    if (call.signal.aborted) break;
    const { body } = await one(request, invoke, call);
    if (body !== undefined) bodies.push(body);
  }
  const isSilent = bodies.length === 0 && requests.length > 0;
  return isSilent ? { status: 204, text: "" } : { status: 200, text: `${JSON.stringify(bodies)}\n` };
}

interface Request {
  readonly id: unknown;
  readonly isV2: boolean;
  readonly isNotification: boolean;
}

async function one(value: unknown, invoke: Invoke, call: Call): Promise<Response> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return failed(undefined, new RpcError("invalidRequest", "Invalid Request object"));
  const { id = null, jsonrpc, method, params } = value as Record<string, unknown>;
  const isV2 = jsonrpc === "2.0";
  const request: Request = { id, isV2, isNotification: isV2 && !("id" in value) };
  if (typeof method !== "string") return failed(request, new RpcError("invalidRequest", "Method must be a string"));
  try {
    const result = (await invoke(method, params ?? [], call)) ?? null;
    return { status: request.isNotification ? 204 : 200, body: bodyOf(request, { result }) };
  } catch (error) {
    return failed(request, error);
  }
}

function failed(request: Request | undefined, thrown: unknown): Response {
  const error = errorBody(thrown);
  const known = request ?? { id: null, isV2: false, isNotification: false };
  const status = known.isNotification ? 204 : known.isV2 ? 200 : statusOf(error.code);
  return { status, body: bodyOf(known, { error }) };
}

function bodyOf(
  { id, isV2, isNotification }: Request,
  outcome: { readonly result: unknown } | { readonly error: object },
): object | undefined {
  if (isNotification) return undefined;
  return isV2 ? { jsonrpc: "2.0", ...outcome, id } : { result: null, error: null, ...outcome, id };
}

const STATUSES: Readonly<Record<number, number>> = {
  [RPC_CODES.invalidRequest]: 400,
  [RPC_CODES.methodNotFound]: 404,
};

const statusOf = (code: number): number => STATUSES[code] ?? 500;

const textOf = ({ status, body }: Response): RpcAnswer => ({
  status,
  text: body === undefined ? "" : `${JSON.stringify(body)}\n`,
});
