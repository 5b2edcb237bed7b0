/** A request as a route sees it. */
import type { IncomingMessage } from "node:http";
import { WhitewaterError } from "../errors.ts";

export interface Call {
  readonly method: string;
  /** With the query, as it was asked. */
  readonly path: string;
  /** What the route's `*` stands for, still percent-encoded. */
  readonly rest: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  /** Whether the client showed a certificate of the cluster's CA; true where there is no TLS. */
  readonly isPeer: boolean;
  /** Aborts when the client goes away or its time is over. */
  readonly signal: AbortSignal;
  /** The whole body. Rejects with `too-large`. */
  body(): Promise<Buffer>;
}

export const badRequest = (message: string): WhitewaterError => new WhitewaterError("bad-request", message);

export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const tooLarge = (): never => {
    throw new WhitewaterError("too-large", `The request's body is longer than ${maxBytes} bytes. Nothing was done.`);
  };
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > maxBytes) tooLarge();
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

export async function jsonBody(call: Call): Promise<Readonly<Record<string, unknown>>> {
  const text = (await call.body()).toString();
  if (text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw badRequest("The body must be a JSON object.");
}

/** `?name`, `?name=true`; false otherwise. */
export function flag(query: URLSearchParams, name: string): boolean {
  const text = query.get(name);
  if (text === null || text === "false") return false;
  if (text === "" || text === "true") return true;
  throw badRequest(`?${name} is true or false, not "${text}".`);
}

/** A whole number from 0, or undefined where it is not given. */
export function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw badRequest(`?${name} is a whole number, not "${text}".`);
  return value;
}

/** Refuses what it does not know: a misspelt `?prefx` must not delete a single key, or `?if-revison` write without a condition. */
export function onlyKnown(query: URLSearchParams, known: readonly string[]): void {
  const unknown = [...query.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined) throw badRequest(`There is no ?${unknown} here. Known: ${known.join(", ")}.`);
}

/** Percent-decoded bytes, one character each: keys need not be text. */
export function keyInPath(rest: string, isBase64: boolean): string {
  const latin1 = rest.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  if (/%(?![0-9a-f]{2})/i.test(rest)) throw badRequest("The key in the path is not percent-encoded as it should be.");
  if (!isBase64) return latin1;
  if (!/^[\w+/-]*={0,2}$/.test(latin1)) throw badRequest("The key in the path is not base64.");
  return Buffer.from(latin1, "base64").toString("latin1");
}
