/** Towards other members: a question about membership, and a connection for Raft. */
import { Agent, type ClientRequest, request as httpRequest, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Duplex } from "node:stream";
import { messageOf, WhitewaterError } from "../errors.ts";
import { parseReport } from "../membership/parse.ts";
import type { Question, Report } from "../membership/types.ts";
import { PEER_PATH, RAFT_PATH } from "./routes.ts";
import { RAFT_PROTOCOL } from "./server.ts";
import { readTls, type TlsFiles } from "./tls.ts";

/** A report names every member twice at most. */
const MAX_REPORT_BYTES = 1 << 20;
const ASK_MS = 1500;
const DIAL_MS = 2000;

function open(address: string, tls: TlsFiles | undefined, options: RequestOptions): ClientRequest {
  const { hostname, port } = new URL(`http://${address}`);
  const where = { host: hostname.replace(/^\[|\]$/g, ""), port, ...options };
  if (!tls) return httpRequest({ ...where, agent: new Agent({ keepAlive: false }) });
  // Pods change their addresses, so it is the CA that says who is a member, not the name in the certificate.
  return httpsRequest({ ...where, ...readTls(tls), checkServerIdentity: () => undefined, agent: false });
}

/**
 * Ends a request that takes too long; the result takes that back. A timer and not `AbortSignal.timeout`: combined with another signal that can be
 * collected before it fires, and an address that nobody has any more may never answer.
 */
function limit(request: ClientRequest, address: string, ms: number): () => void {
  const late = (): void =>
    void request.destroy(new WhitewaterError("unreachable", `${address}: no answer in ${ms} ms`));
  const timer = setTimeout(late, ms);
  return () => clearTimeout(timer);
}

const unreachable = (address: string, cause: unknown): WhitewaterError =>
  new WhitewaterError("unreachable", `${address}: ${messageOf(cause)}`, { cause });

/** Rejects with `unreachable` or `malformed`. */
export async function askMembership(
  address: string,
  question: Question,
  tls: TlsFiles | undefined,
  signal: AbortSignal,
): Promise<Report> {
  const body = JSON.stringify(question);
  const text = await new Promise<string>((resolve, reject) => {
    const fail = (error: unknown): void => reject(unreachable(address, error));
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const request = open(address, tls, { method: "POST", path: PEER_PATH, headers, signal });
    request.once("close", limit(request, address, ASK_MS));
    request.on("error", fail);
    request.on("response", (response) => {
      let received = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        received += chunk;
        if (received.length > MAX_REPORT_BYTES)
          response.destroy(new WhitewaterError("malformed", "a report without end"));
      });
      response.on("error", fail);
      response.on("end", () => (response.statusCode === 200 ? resolve(received) : fail(received.slice(0, 200))));
    });
    request.end(body);
  });
  return parseReport(JSON.parse(text));
}

/** A connection on which both sides speak Raft from now on. Rejects with `unreachable`. */
export function dialRaft(address: string, tls: TlsFiles | undefined, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => reject(unreachable(address, error));
    const headers = { connection: "Upgrade", upgrade: RAFT_PROTOCOL };
    const request = open(address, tls, { path: RAFT_PATH, headers, signal });
    const unlimit = limit(request, address, DIAL_MS);
    request.once("close", unlimit);
    request.on("error", fail);
    request.on("response", (response) => {
      response.resume();
      request.destroy();
      fail(new WhitewaterError("unreachable", `it answered ${response.statusCode}`));
    });
    request.on("upgrade", (_, socket, head) => {
      unlimit();
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    request.end();
  });
}
