/**
 * What the API is measured against: Node's HTTPS server, with the API's own certificate, that reads the request and answers as many bytes as
 * the address asks for (`/1234`). No server built on it can be faster. Run as a process of its own: control.js <pki folder>.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

const pkiDir = process.argv[2] ?? ".";
const options = {
  cert: readFileSync(join(pkiDir, "apiserver.crt")),
  key: readFileSync(join(pkiDir, "apiserver.key")),
};
const bodies = new Map<number, Buffer>();

function bodyOf(size: number): Buffer {
  const body = bodies.get(size) ?? Buffer.alloc(size, "x");
  bodies.set(size, body);
  return body;
}

const server = createServer(options, (request, response) => {
  request.resume();
  request.on("end", () => {
    const body = bodyOf(Number(request.url?.slice(1)));
    response.writeHead(200, {
      "Content-Type": "application/json",
      "Cache-Control": "no-cache, private",
      "Content-Length": body.length,
    });
    response.end(body);
  });
});
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
