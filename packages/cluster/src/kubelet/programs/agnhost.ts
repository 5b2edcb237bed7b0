/** The basics of Kubernetes' test image agnhost: `netexec`, `serve-hostname`, `pause`, `connect`. */
import { parseArgs } from "node:util";
import { dial, find } from "./dial.ts";
import { portOf } from "./echo-servers.ts";
import { pause } from "./pause.ts";
import { serve } from "./serve.ts";
import { complain, type OwnProgram, say, UsageError } from "./types.ts";

const hostname = (): string => process.env.HOSTNAME ?? "";

const refused = (port: number, reason: string): void => complain(`listen tcp :${port}: bind: ${reason}`);

/** Paths of `netexec`, each with its answer. */
const paths: Readonly<Record<string, (url: URL) => { readonly status?: number; readonly text: string }>> = {
  "/": () => ({ text: `NOW: ${new Date().toISOString()}` }),
  "/hostname": () => ({ text: hostname() }),
  "/hostName": () => ({ text: hostname() }),
  "/healthz": () => ({ text: "" }),
  "/echo": ({ searchParams }) => ({
    status: Number(searchParams.get("code") ?? 200),
    text: searchParams.get("msg") ?? "",
  }),
  "/header": () => ({ text: "" }),
};

const subcommands: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  netexec: async (args) => {
    const options = { "http-port": { type: "string", default: "8080" } } as const;
    const { values } = parseArgs({ args: [...args], options, strict: false });
    return await serve({
      ports: [Number(values["http-port"])],
      onRefused: refused,
      onListening: () => say(`Started HTTP server on port ${values["http-port"]}`),
      handle: (request, response) => {
        const url = new URL(request.url ?? "/", "http://pod");
        if (url.pathname === "/clientip") response.end(`${request.socket.remoteAddress}:${request.socket.remotePort}`);
        else {
          const { status = 200, text } = paths[url.pathname]?.(url) ?? { status: 404, text: "404 page not found\n" };
          response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" }).end(text);
        }
      },
    });
  },
  "serve-hostname": (args) => {
    const { values } = parseArgs({
      args: [...args],
      options: { port: { type: "string", default: "9376" } },
      strict: false,
    });
    return serve({
      ports: [Number(values.port)],
      onRefused: refused,
      handle: (_, response) => void response.end(hostname()),
    });
  },
  pause: (args) => pause.run(args),
  connect: async (args) => {
    const options = { timeout: { type: "string", default: "0s" } } as const;
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true, strict: false });
    const [place = ""] = positionals;
    const socket = await dial(
      await find(place.split(":")[0] ?? "", portOf(place)),
      Number.parseFloat(String(values.timeout)) * 1000,
    ).catch(
      ({ message }: Error) =>
        void complain(/timed out/.test(message) ? "TIMEOUT" : /refused/.test(message) ? "REFUSED" : "OTHER"),
    );
    socket?.destroy();
    return socket === undefined ? 1 : 0;
  },
};

export const agnhost: OwnProgram = {
  async run([name = "pause", ...args]) {
    const run = Object.hasOwn(subcommands, name) ? subcommands[name] : undefined;
    if (run === undefined)
      throw new UsageError(
        `unknown command "${name}" on the embedded cluster; there are ${Object.keys(subcommands).join(", ")}`,
      );
    return await run(args);
  },
};
