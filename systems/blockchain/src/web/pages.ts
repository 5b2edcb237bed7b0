/** The web pages: files as they are, and for every other page address the one page that shows them all. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { notFound } from "./failures.ts";
import { isApi } from "./safety.ts";
import { object } from "./schemas.ts";

const notBuilt = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>blockchain</title>
<p>The web pages of this node are not built. In the project's folder run: <code>npm run build:pages -w systems/blockchain</code>
<p>The API is here all the same: <a href="/swagger-ui">/swagger-ui</a>.
`;

/** `folder` is where the build of the pages is, or will be: they may be built while the server runs. */
export async function installPages(server: FastifyInstance, folder: string): Promise<void> {
  await server.register(fastifyStatic, { root: folder, serve: false });
  // Names without a folder in them: nothing else in the file system can be asked for. A build names each asset by its content.
  server.get<{ Params: { file: string } }>(
    "/assets/:file",
    { schema: { hide: true, params: object({ file: { type: "string", pattern: "^[\\w-]+\\.[a-z0-9]+$" } }) } },
    (request, reply) => reply.sendFile(`assets/${request.params.file}`, { maxAge: 31_536_000_000, immutable: true }),
  );
  server.get("/favicon.svg", { schema: { hide: true } }, (_, reply) => reply.sendFile("favicon.svg"));
  const page = async (_: FastifyRequest, reply: FastifyReply) =>
    existsSync(join(folder, "index.html"))
      ? reply.sendFile("index.html", { cacheControl: false })
      : reply.status(503).type("text/html; charset=utf-8").send(notBuilt);

  server.get("/", { schema: { hide: true } }, page);
  server.setNotFoundHandler(async (request, reply) => {
    // A probe or a program that asks for what isn't there must not be told that all is well.
    if (isPageAddress(request)) return page(request, reply);
    throw notFound(`${request.method} ${request.url.split("?", 1)[0]?.slice(0, 200)}`);
  });
}

/** Those of the pages' own router have no dot: what has one is a file that isn't there. */
const isPageAddress = ({ method, url, headers }: FastifyRequest): boolean =>
  (method === "GET" || method === "HEAD") &&
  !isApi(url) &&
  !/[.]/.test(url.split("?", 1)[0] ?? "") &&
  (headers.accept ?? "").includes("text/html");
