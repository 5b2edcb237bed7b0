/** A bare HTTPS client, so that tests see exactly what goes over the wire. */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { request } from "node:https";
import type { ApiObject } from "../../src/machinery/types.ts";
import type { Fixture } from "./fixture.ts";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: ApiObject;
}

export interface Options {
  readonly body?: unknown;
  readonly headers?: Record<string, string | string[]>;
  /** null sends none; the administrator's unless told. */
  readonly token?: string | null;
}

export interface Client {
  (method: string, path: string, options?: Options): Promise<Answer>;
  /** The answer as soon as its head is there. */
  open(path: string, options?: Options): Promise<IncomingMessage>;
}

export function clientOf({ server, pki }: Fixture): Client {
  const open = (method: string, path: string, { body, headers = {}, token = pki.adminToken }: Options) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const authorization = token === null ? {} : { authorization: `Bearer ${token}` };
      const type = body === undefined ? {} : { "content-type": "application/json" };
      const options = { method, ca: pki.caPem, agent: false, headers: { ...authorization, ...type, ...headers } };
      const outgoing = request(`${server.url}${path}`, options, resolve);
      outgoing.on("error", reject);
      outgoing.end(typeof body === "string" || Buffer.isBuffer(body) ? body : body && JSON.stringify(body));
    });
  const call = async (method: string, path: string, options: Options = {}): Promise<Answer> => {
    const response = await open(method, path, options);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const isJson = response.headers["content-type"]?.startsWith("application/json") && text !== "";
    return { status: response.statusCode ?? 0, headers: response.headers, text, body: isJson ? JSON.parse(text) : {} };
  };
  return Object.assign(call, { open: (path: string, options: Options = {}) => open("GET", path, options) });
}

/** The lines of a watch, as they come. */
export async function* watchLines(response: IncomingMessage): AsyncGenerator<{ type: string; object: ApiObject }> {
  let rest = "";
  for await (const chunk of response) {
    const lines = (rest + String(chunk)).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield JSON.parse(line);
  }
}
