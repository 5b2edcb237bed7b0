/** Small servers that tell about the request or about themselves: hashicorp/http-echo, traefik/whoami, registry.k8s.io/echoserver. */
import type { IncomingMessage } from "node:http";
import { hostname } from "node:os";
import { parseArgs } from "node:util";
import { commonLog, serve } from "./serve.ts";
import { complain, type OwnProgram, say, UsageError } from "./types.ts";

const podName = (): string => process.env.HOSTNAME ?? hostname();

const refused = (port: number, reason: string): void => complain(`listen tcp :${port}: bind: ${reason}`);

/** Go's programs take flags with one dash or two. */
export const goFlags = (args: readonly string[]): string[] =>
  args.map((arg) => arg.replace(/^-(?=[a-z][a-z-]+)/, "--"));

export const httpEcho: OwnProgram = {
  async run(args) {
    const options = {
      text: { type: "string", default: process.env.ECHO_TEXT ?? "" },
      listen: { type: "string", default: ":5678" },
      "status-code": { type: "string", default: "200" },
    } as const;
    const { text, listen, "status-code": status } = parseArgs({ args: goFlags(args), options }).values;
    if (text === "") throw new UsageError("Missing -text option!");
    return await serve({
      ports: [portOf(listen)],
      onRefused: refused,
      onListening: () => say(`[INFO] server is listening on ${listen}`),
      handle: (request, response) => {
        const isHealth = request.url === "/health";
        response.writeHead(isHealth ? 200 : Number(status), {
          "X-App-Name": "http-echo",
          "Content-Type": "text/plain; charset=utf-8",
        });
        response.end(isHealth ? '{"status":"ok"}' : `${text}\n`);
        if (!isHealth) say(commonLog(request, Number(status), text.length + 1));
      },
    });
  },
};

export const portOf = (listen: string): number => Number(listen.split(":").at(-1));

export const whoami: OwnProgram = {
  async run(args) {
    const options = {
      port: { type: "string", default: process.env.WHOAMI_PORT_NUMBER ?? "80" },
      name: { type: "string", default: process.env.WHOAMI_NAME ?? "" },
      verbose: { type: "boolean" },
    } as const;
    const { port, name } = parseArgs({ args: goFlags(args), options }).values;
    return await serve({
      ports: [Number(port)],
      onRefused: refused,
      onListening: () => say(`Starting up on port ${port}`),
      handle: (request, response) => void response.end(name === "" ? who(request) : `Name: ${name}\n${who(request)}`),
    });
  },
};

function who(request: IncomingMessage): string {
  const { remoteAddress, remotePort } = request.socket;
  return [
    `Hostname: ${podName()}`,
    `IP: ${process.env.CORACLE_POD_IP ?? "127.0.0.1"}`,
    `RemoteAddr: ${remoteAddress}:${remotePort}`,
    `${request.method} ${request.url} HTTP/${request.httpVersion}`,
    ...headerLines(request),
    "",
  ].join("\n");
}

const headerLines = ({ rawHeaders }: IncomingMessage): string[] =>
  rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${rawHeaders[index + 1]}`] : []));

export const echoServer: OwnProgram = {
  run: () =>
    serve({
      ports: [8080],
      onRefused: refused,
      handle: (request, response) => {
        response.setHeader("Content-Type", "text/plain");
        response.write(
          `\n\nHostname: ${podName()}\n\nPod Information:\n\tpod IP:\t${process.env.CORACLE_POD_IP ?? ""}\n\n`,
        );
        response.write(
          `Request Information:\n\tclient_address=${request.socket.remoteAddress}\n\tmethod=${request.method}\n`,
        );
        response.write(`\treal path=${request.url}\n\trequest_version=${request.httpVersion}\n\n`);
        response.write(
          `Request Headers:\n${headerLines(request)
            .map((line) => `\t${line.toLowerCase()}\n`)
            .join("")}\nRequest Body:\n`,
        );
        request.pipe(response);
      },
    }),
};
