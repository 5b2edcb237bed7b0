/** An ordinary request and its answer. */
import { type ClientRequest, type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import { dial } from "./dial.ts";
import { type Gate, type Refusal, refusals } from "./gate.ts";
import { endToEnd, requestHeaders } from "./headers.ts";

export function forward(gate: Gate, request: IncomingMessage, response: ServerResponse): void {
  response.on("error", () => response.destroy());
  dial(gate, request, {
    headers: requestHeaders(request, gate),
    isUpgrade: false,
    connected: (upstream) => exchange(upstream, request, response),
    refused: (status) => refuse(response, status),
  });
}

function exchange(upstream: ClientRequest, request: IncomingMessage, response: ServerResponse): void {
  request.pipe(upstream);
  // A client that goes away takes its request along.
  const abandon = (): void => void upstream.destroy();
  response.once("close", abandon);
  upstream.once("response", (answer) => relay(answer, response));
  // Nobody asked for one; without a listener Node.js would drop the connection and say nothing.
  upstream.once("upgrade", (_answer, socket) => {
    socket.destroy();
    refuse(response, 502);
  });
  upstream.once("close", () => response.off("close", abandon));
}

function relay(answer: IncomingMessage, response: ServerResponse): void {
  if (!beginAnswer(answer, response)) {
    answer.destroy();
    refuse(response, 502);
    return;
  }
  answer.once("end", () => addTrailers(answer, response));
  answer.pipe(response);
  // Cut short: the client must not take what it has for the whole.
  answer.once("close", () => answer.complete || response.destroy());
  answer.once("error", () => response.destroy());
}

/** Node.js reads some things that it refuses to write, such as control characters in a status line: then nothing is begun. */
function beginAnswer(answer: IncomingMessage, response: ServerResponse): boolean {
  try {
    // Node.js frames the body anew; what the backend declared as its length stays.
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, endToEnd(answer));
    return true;
  } catch {
    return false;
  }
}

function addTrailers({ rawTrailers }: IncomingMessage, response: ServerResponse): void {
  try {
    response.addTrailers(pairs(rawTrailers));
  } catch {
    response.destroy();
  }
}

const pairs = (raw: readonly string[]): [string, string][] =>
  raw.flatMap((name, index): [string, string][] => (index % 2 === 0 ? [[name, raw[index + 1] ?? ""]] : []));

/** Once an answer has begun, all that is left is to break it off. */
function refuse(response: ServerResponse, status: Refusal): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const headers = { "Content-Type": "text/plain", "Content-Length": Buffer.byteLength(refusals[status]) };
  // The reason in full: an answer that could not be begun has left its own.
  response.writeHead(status, STATUS_CODES[status], headers);
  response.end(refusals[status]);
}
