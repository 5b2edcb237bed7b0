/** Stand-ins for two programs of that name: Apache's, and busybox's small one. */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { STATUS_CODES } from "node:http";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { commonLog, serve } from "./serve.ts";
import { fileFor, send } from "./static-files.ts";
import { complain, type OwnProgram, say } from "./types.ts";

const errorPage = (status: number): string =>
  `<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>${status} ${STATUS_CODES[status]}</title>\n</head><body>\n<h1>${STATUS_CODES[status]}</h1>\n</body></html>\n`;

const apacheRoot = process.env.APACHE_HTDOCS ?? "/usr/local/apache2/htdocs";

export const apacheHttpd: OwnProgram = {
  async run() {
    await mkdir(apacheRoot, { recursive: true }).catch(() => undefined);
    if ((await readdir(apacheRoot).catch(() => ["?"])).length === 0)
      await writeFile(join(apacheRoot, "index.html"), "<html><body><h1>It works!</h1></body></html>\n");
    return await serveFiles(apacheRoot, 80, true, () => complain("AH00094: Command line: 'httpd -D FOREGROUND'"));
  },
};

const options = {
  foreground: { type: "boolean", short: "f" },
  port: { type: "string", short: "p" },
  home: { type: "string", short: "h" },
  verbose: { type: "boolean", short: "v", multiple: true },
} as const;

/** Always in the foreground: a container ends with its first process, so without `-f` the real one would end it at once. */
export const busyboxHttpd: OwnProgram = {
  async run(args) {
    const { values } = parseArgs({ args: [...args], options });
    const port = Number(values.port?.split(":").at(-1) ?? 80);
    return await serveFiles(values.home ?? ".", port, values.verbose !== undefined, () => undefined);
  },
};

const serveFiles = (root: string, port: number, isLogged: boolean, onListening: () => void): Promise<number> =>
  serve({
    ports: [port],
    onListening,
    onRefused: (_, reason) => complain(`httpd: bind: ${reason}`),
    handle: async (request, response) => {
      const served = await fileFor(request, { root, errorPage });
      const sizeBytes = send(request, response, served);
      if (isLogged) say(commonLog(request, served.status, sizeBytes));
    },
  });
