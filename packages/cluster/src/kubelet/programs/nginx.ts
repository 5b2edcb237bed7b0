/**
 * A stand-in for nginx: static files, and of its configuration `listen`, `root`, and in `location` blocks `return`, `root`, `alias` and
 * `proxy_pass`. The real one would listen on every address of the machine, of which there is one where pods have one each.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import http, { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import { join } from "node:path";
import { type Location, matchLocation, parseNginx, type Site } from "./nginx-config.ts";
import { commonLog, serve } from "./serve.ts";
import { fileFor, type Served, send } from "./static-files.ts";
import { complain, type OwnProgram, say } from "./types.ts";

const version = "nginx/1.29.0";

/** Both are the image's folders; where a container has no root of its own, the environment says where they lie. */
const folders = {
  html: process.env.NGINX_HTML ?? "/usr/share/nginx/html",
  conf: process.env.NGINX_CONF ?? "/etc/nginx/conf.d",
};

export const nginx: OwnProgram = {
  async run(args) {
    if (args.includes("-v") || args.includes("-V")) complain(`nginx version: ${version}`);
    else if (args.includes("-t")) complain("nginx: the configuration file /etc/nginx/nginx.conf syntax is ok");
    else if (args.includes("-s")) return 0;
    else return await start();
    return 0;
  },
};

async function start(): Promise<number> {
  await writePages();
  const sites = await readSites();
  const ports = [...new Set(sites.flatMap((site) => site.ports))];
  return await serve({
    ports,
    handle: (request, response) => answer(sites, request, response),
    onListening: () => {
      notice(version);
      notice("start worker processes");
    },
    onRefused: (port, reason) => complain(`nginx: [emerg] bind() to 0.0.0.0:${port} failed (${reason})`),
  });
}

const notice = (text: string): void =>
  complain(`${new Date().toISOString().slice(0, 19).replaceAll("-", "/").replace("T", " ")} [notice] 1#1: ${text}`);

/** The pages that the image brings, unless something is mounted over them. */
async function writePages(): Promise<void> {
  await mkdir(folders.html, { recursive: true }).catch(() => undefined);
  if ((await readdir(folders.html).catch(() => ["?"])).length > 0) return;
  await writeFile(join(folders.html, "index.html"), welcomePage);
  await writeFile(join(folders.html, "50x.html"), errorPage(500));
}

async function readSites(): Promise<Site[]> {
  const names = existsSync(folders.conf) ? (await readdir(folders.conf)).filter((name) => name.endsWith(".conf")) : [];
  const texts = await Promise.all(names.sort().map((name) => readFile(join(folders.conf, name), "utf8")));
  const main = await readFile("/etc/nginx/nginx.conf", "utf8").catch(() => "");
  const sites = parseNginx([main, ...texts].join("\n"));
  return sites.length > 0 ? sites : [{ ports: [Number(process.env.NGINX_PORT ?? 80)], root: undefined, locations: [] }];
}

async function answer(sites: readonly Site[], request: IncomingMessage, response: ServerResponse): Promise<void> {
  const site = sites.find(({ ports }) => ports.includes(request.socket.localPort ?? 0)) ?? sites[0];
  const location = site && matchLocation(site, (request.url ?? "/").split("?", 1)[0] ?? "/");
  response.setHeader("Server", version);
  if (location?.proxyPass !== undefined) return await proxy(location.proxyPass, location, request, response);
  const served = location?.answer
    ? { status: location.answer.status, headers: answerHeaders(location.answer.text), body: location.answer.text }
    : await fileFor(request, { root: location?.root ?? site?.root ?? folders.html, errorPage });
  log(request, served.status, send(request, response, served));
  if (served.status === 404)
    complain(`[error] 1#1: open() "${folders.html}${request.url}" failed (2: No such file or directory)`);
}

const answerHeaders = (text: string): Served["headers"] =>
  /^https?:/.test(text) ? { Location: text } : { "Content-Type": "text/plain" };

function log(request: IncomingMessage, status: number, sizeBytes: number): void {
  const { referer = "-", "user-agent": agent = "-", "x-forwarded-for": via = "-" } = request.headers;
  say(`${commonLog(request, status, sizeBytes).replace(/-$/, "0")} "${referer}" "${agent}" "${via}"`);
}

/** With a path in `proxy_pass`, it takes the place of the location's prefix. */
async function proxy(
  base: string,
  { prefix }: Location,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(base);
  const hasPath = /^https?:\/\/[^/]+\//.test(base);
  const path = hasPath ? url.pathname + (request.url ?? "").slice(prefix.length) : request.url;
  await new Promise<void>((resolve) => {
    const headers = { ...request.headers, host: url.host };
    const call = http.request(
      { host: url.hostname, port: url.port || 80, method: request.method, path, headers },
      (reply) => {
        response.writeHead(reply.statusCode ?? 502, reply.headers);
        reply.pipe(response);
        reply.on("close", resolve);
        log(request, reply.statusCode ?? 502, Number(reply.headers["content-length"] ?? 0));
      },
    );
    call.on("error", ({ message }) => {
      complain(`[error] 1#1: connect() failed (${message}) while connecting to upstream "${base}"`);
      if (!response.headersSent)
        log(
          request,
          502,
          send(request, response, { status: 502, headers: { "Content-Type": "text/html" }, body: errorPage(502) }),
        );
      resolve();
    });
    request.pipe(call);
  });
}

const errorPage = (status: number): string => {
  const title = `${status} ${STATUS_CODES[status]}`;
  return `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>${version}</center>\r\n</body>\r\n</html>\r\n`;
};

const welcomePage = `<!DOCTYPE html>
<html>
<head>
<title>Welcome to nginx!</title>
</head>
<body>
<h1>Welcome to nginx!</h1>
<p>This page is served by the program that stands in for nginx on the embedded cluster.</p>
<p><em>Thank you for using nginx.</em></p>
</body>
</html>
`;
