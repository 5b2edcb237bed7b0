/** The bound of the REST benchmark: Node's own HTTP server with an answer of the same size and nothing else. argv: port, bytes. */
import { createServer } from "node:http";

const [port = "0", bytes = "0"] = process.argv.slice(2);
const body = Buffer.alloc(Number(bytes), "x");
createServer((_, response) => {
  response.setHeader("content-type", "application/json; charset=utf-8");
  response.end(body);
}).listen(Number(port), "127.0.0.1");
