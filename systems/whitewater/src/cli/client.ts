/** The client side of the HTTP interface. Tries each endpoint in turn until one can be reached. */
import { readFileSync } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { messageOf, systemCode, WhitewaterError } from "../errors.ts";

export interface Target {
  /** `http://host:port`, `https://host:port` or `host:port`. */
  readonly endpoints: readonly string[];
  readonly timeoutMs: number;
  /** File of the CA that the servers' certificates come from. */
  readonly caFile?: string | undefined;
}

export interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly body?: Uint8Array | string;
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** A request that may not be repeated elsewhere once it was sent: its effect is not known. */
const isSafe = ({ method = "GET" }: Asked): boolean => method === "GET";

/** Rejects with `unreachable` when no endpoint can be reached, `timeout` when an answer did not come, else with the server's own code. */
export async function ask(target: Target, asked: Asked): Promise<Answered> {
  let failure: unknown;
  for (const endpoint of target.endpoints) {
    try {
      const answered = await askOne(target, endpoint, asked);
      if (answered.status < 300) return answered;
      const refusal = refusalOf(answered);
      // A pod that is not a member yet says so; another one may be.
      if (refusal.code !== "not-formed") throw refusal;
      failure = refusal;
    } catch (error) {
      failure = error;
      const mayRepeat = systemCode(error) === "unreachable" || (isSafe(asked) && systemCode(error) === "timeout");
      if (!mayRepeat && systemCode(error) !== "not-formed") throw error;
    }
  }
  throw failure ?? new WhitewaterError("usage", "No endpoint is given.");
}

/** The answer as JSON. */
export async function askJson<T>(target: Target, asked: Asked): Promise<T> {
  return JSON.parse((await ask(target, asked)).body.toString()) as T;
}

async function askOne(target: Target, endpoint: string, asked: Asked): Promise<Answered> {
  const response = await open(target, endpoint, asked);
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer);
  } catch (cause) {
    throw new WhitewaterError("timeout", `${endpoint} broke its answer off: ${messageOf(cause)}`, { cause });
  }
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
}

/** For answers that do not end: the caller reads `response`. */
export function open(
  target: Target,
  endpoint: string,
  { method = "GET", path, body }: Asked,
): Promise<IncomingMessage> {
  const url = urlOf(endpoint, target.caFile !== undefined);
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    let isSent = false;
    const options = { method, timeout: target.timeoutMs, ...(body !== undefined && { headers: lengthOf(body) }) };
    const tls = target.caFile === undefined ? {} : { ca: readCa(target.caFile) };
    const request = send(new URL(path, url), { ...options, ...tls }, resolve);
    request.on("socket", (socket) => {
      if (!socket.connecting) isSent = true;
      else
        socket.once("connect", () => {
          isSent = true;
        });
    });
    request.on("timeout", () => request.destroy(new WhitewaterError("timeout", `no answer in ${target.timeoutMs} ms`)));
    request.on("error", (cause) => {
      const code = isSent ? "timeout" : "unreachable";
      reject(
        new WhitewaterError(
          code,
          `${endpoint} ${isSent ? "did not answer" : "can't be reached"}: ${messageOf(cause)}`,
          { cause },
        ),
      );
    });
    request.end(body);
  });
}

const lengthOf = (body: Uint8Array | string) => ({ "content-length": Buffer.byteLength(body) });

function urlOf(endpoint: string, isTls: boolean): URL {
  try {
    return new URL(/^https?:\/\//.test(endpoint) ? endpoint : `${isTls ? "https" : "http"}://${endpoint}`);
  } catch {
    throw new WhitewaterError("usage", `"${endpoint}" is no endpoint: host:port or a URL.`);
  }
}

function readCa(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new WhitewaterError("config", `The CA file can't be read: ${messageOf(cause)}`, { cause });
  }
}

function refusalOf({ status, body }: Answered): WhitewaterError {
  const text = body.toString();
  try {
    const { error } = JSON.parse(text) as { error: { code: string; message: string } };
    return new WhitewaterError(error.code, error.message);
  } catch {
    return new WhitewaterError("refused", `The server answered ${status}: ${text.slice(0, 200)}`);
  }
}
