/** Serves files below a folder, as far as the programs that use it need: GET, HEAD, index.html, types, validators; no ranges, no listing. */
import type { Stats } from "node:fs";
import { readFile, realpath, stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join, sep } from "node:path";

const types: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".gif": "image/gif",
  ".htm": "text/html",
  ".html": "text/html",
  ".ico": "image/x-icon",
  ".jpg": "image/jpeg",
  ".js": "application/javascript",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain",
  ".xml": "text/xml",
};

export interface Served {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | string;
}

export interface StaticOptions {
  readonly root: string;
  /** The page for a status without a file. */
  readonly errorPage: (status: number) => string;
}

/** What answers the request. A path that leads out of the root, links followed, is answered as one that does not exist. */
export async function fileFor({ method = "", url = "/" }: IncomingMessage, options: StaticOptions): Promise<Served> {
  const { root, errorPage } = options;
  const failure = (status: number): Served => ({
    status,
    headers: { "Content-Type": "text/html" },
    body: errorPage(status),
  });
  if (method !== "GET" && method !== "HEAD") return failure(405);
  const path = decoded(url);
  if (path === undefined) return failure(400);
  const place = await below(root, path);
  if (place === undefined) return failure(404);
  const info = await stat(place);
  if (!info.isDirectory()) return await contentOf(place, info);
  if (!path.endsWith("/")) return { ...failure(301), headers: { "Content-Type": "text/html", Location: `${path}/` } };
  const index = await below(root, `${path}index.html`);
  return index === undefined ? failure(403) : await contentOf(index, await stat(index));
}

async function contentOf(place: string, info: Stats): Promise<Served> {
  const headers = {
    "Content-Type": types[extname(place)] ?? "application/octet-stream",
    "Last-Modified": info.mtime.toUTCString(),
    ETag: `"${Math.floor(info.mtimeMs / 1000).toString(16)}-${info.size.toString(16)}"`,
    "Accept-Ranges": "bytes",
  };
  return { status: 200, headers, body: await readFile(place) };
}

function decoded(url: string): string | undefined {
  try {
    const path = decodeURIComponent(url.split(/[?#]/, 1)[0] ?? "");
    return path.startsWith("/") && !path.includes("\0") ? path : undefined;
  } catch {
    return undefined;
  }
}

async function below(root: string, path: string): Promise<string | undefined> {
  try {
    const base = await realpath(root);
    const place = await realpath(join(base, path));
    return place === base || place.startsWith(base + sep) ? place : undefined;
  } catch {
    return undefined;
  }
}

export function send(request: IncomingMessage, response: ServerResponse, { status, headers, body }: Served): number {
  const sizeBytes = Buffer.byteLength(body);
  response.writeHead(status, { ...headers, "Content-Length": sizeBytes });
  response.end(request.method === "HEAD" ? undefined : body);
  return request.method === "HEAD" ? 0 : sizeBytes;
}
