/** Writes answers. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { StatusError } from "../../machinery/errors.ts";

const compress = promisify(gzip);
/** As in Kubernetes: below this, compressing costs more than it saves. */
const minCompressedBytes = 128 * 1024;
const json = "application/json";
const cacheControl = "no-cache, private";
const maxWarnings = 64;

export function sendBytes(response: ServerResponse, code: number, bytes: Buffer | string, type = json): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(code, {
    "Content-Type": type,
    "Cache-Control": cacheControl,
    "Content-Length": typeof bytes === "string" ? Buffer.byteLength(bytes) : bytes.length,
  });
  response.end(bytes);
}

export const sendJson = (response: ServerResponse, code: number, value: unknown): void =>
  sendBytes(response, code, JSON.stringify(value));

export const sendText = (response: ServerResponse, code: number, text: string): void =>
  sendBytes(response, code, text, "text/plain; charset=utf-8");

/** Sends the pieces of a body, compressed when they are many bytes and the client takes gzip. */
export async function sendLarge(
  request: IncomingMessage,
  response: ServerResponse,
  pieces: readonly Buffer[],
): Promise<void> {
  const sizeBytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const isWanted = sizeBytes >= minCompressedBytes && request.headers["accept-encoding"]?.includes("gzip");
  if (!isWanted) return sendPieces(response, pieces, sizeBytes);
  const compressed = await compress(Buffer.concat(pieces), { level: 1 });
  response.setHeader("Content-Encoding", "gzip");
  response.setHeader("Vary", "Accept-Encoding");
  sendBytes(response, 200, compressed);
}

/** Each piece goes to the socket as it is, so that what is shared between answers is not copied for each. */
function sendPieces(response: ServerResponse, pieces: readonly Buffer[], sizeBytes: number): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(200, { "Content-Type": json, "Cache-Control": cacheControl, "Content-Length": sizeBytes });
  for (const piece of pieces) response.write(piece);
  response.end();
}

/** Sends a Status for any error; what is not a StatusError is our fault and says so. */
export function sendError(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  const status = asStatusError(error);
  const retryAfter = status.details?.retryAfterSeconds;
  if (retryAfter !== undefined && !response.headersSent) response.setHeader("Retry-After", String(retryAfter));
  // What is left of the body will not be read, so the connection can't be used again.
  if (!request.complete && !response.headersSent) response.setHeader("Connection", "close");
  sendJson(response, status.code, status.toStatus());
}

export const asStatusError = (error: unknown): StatusError =>
  error instanceof StatusError
    ? error
    : new StatusError(
        "InternalError",
        `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`,
      );

/** Adds Warning headers (RFC 7234, section 5.5), which kubectl prints. */
export function addWarnings(response: ServerResponse, warnings: readonly string[]): void {
  if (warnings.length === 0) return;
  const earlier = [response.getHeader("Warning") ?? []].flat().map(String);
  const quoted = warnings.map((text) => `299 - "${escapeQuoted(text)}"`);
  response.setHeader("Warning", [...earlier, ...quoted].slice(0, maxWarnings));
}

const escapeQuoted = (text: string): string =>
  Array.from(text, (c) => (c === '"' || c === "\\" ? `\\${c}` : c < " " || c > "~" ? " " : c)).join("");
