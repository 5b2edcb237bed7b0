/** nc: `-z` to try a port, a client, and a listener. The options that busybox, OpenBSD's and GNU's have in common. */
import { spawn } from "node:child_process";
import { createServer, type Socket } from "node:net";
import { parseArgs } from "node:util";
import { DialError, dial, find } from "./dial.ts";
import { complain, type OwnProgram, UsageError } from "./types.ts";

const options = {
  zero: { type: "boolean", short: "z" },
  verbose: { type: "boolean", short: "v", multiple: true },
  wait: { type: "string", short: "w" },
  listen: { type: "boolean", short: "l" },
  port: { type: "string", short: "p" },
  keep: { type: "boolean", short: "k" },
  exec: { type: "string", short: "e" },
  numeric: { type: "boolean", short: "n" },
  close: { type: "boolean", short: "N" },
  quit: { type: "string", short: "q" },
} as const;

type Wishes = ReturnType<typeof parse>["values"];

const parse = (args: readonly string[]) => parseArgs({ args: [...args], options, allowPositionals: true });

export const nc: OwnProgram = {
  async run(args) {
    const { values, positionals } = parse(args);
    if (values.listen) return await listen(portOf(values.port ?? positionals.at(-1)), values);
    const [host, ports] = positionals;
    if (host === undefined || ports === undefined) throw new UsageError("usage: nc [-zv] [-w SECONDS] HOST PORT");
    const [first, last = first] = ports.split("-");
    let code = 0;
    for (let port = portOf(first); port <= portOf(last); port++) code = (await call(host, port, values)) || code;
    return code;
  },
};

function portOf(text: string | undefined): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new UsageError(`bad port '${text ?? ""}'`);
  return port;
}

async function call(host: string, port: number, wishes: Wishes): Promise<number> {
  try {
    const target = await find(host, port);
    const socket = await dial(target, Number(wishes.wait ?? 0) * 1000).catch((error: unknown) => {
      throw new DialError(`${host} (${target.address}:${port}): ${(error as Error).message}`, false);
    });
    if (wishes.verbose) complain(`${host} (${target.address}:${port}) open`);
    if (wishes.zero) socket.destroy();
    else await converse(socket);
    return 0;
  } catch (error) {
    if (!(error instanceof DialError)) throw error;
    if (wishes.verbose || !wishes.zero || error.isBadAddress) complain(`nc: ${error.message}`);
    return 1;
  }
}

/** Until the peer has said all; our own input's end is passed on. */
function converse(socket: Socket): Promise<void> {
  process.stdin.pipe(socket);
  socket.pipe(process.stdout, { end: false });
  return new Promise((resolve) => {
    socket.on("error", () => undefined);
    socket.on("end", () => socket.end());
    socket.on("close", () => {
      process.stdin.destroy();
      resolve();
    });
  });
}

/** Serves one connection, or with `-k` one after another for ever. */
function listen(port: number, wishes: Wishes): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer({ allowHalfOpen: true }, async (socket) => {
      if (!wishes.keep) server.close();
      if (wishes.exec === undefined) await converse(socket);
      else await serveProgram(socket, wishes.exec);
      if (!wishes.keep) resolve(0);
    });
    server.on("error", ({ message }) => {
      complain(`nc: ${message}`);
      resolve(1);
    });
    server.listen(port, () => wishes.verbose && complain(`listening on 0.0.0.0:${port} ...`));
  });
}

function serveProgram(socket: Socket, command: string): Promise<void> {
  const child = spawn(command, { shell: true, stdio: ["pipe", "pipe", "inherit"] });
  socket.pipe(child.stdin);
  child.stdout.pipe(socket);
  child.stdin.on("error", () => undefined);
  return new Promise((resolve) => {
    socket.on("error", () => child.kill());
    socket.on("close", () => resolve());
  });
}
