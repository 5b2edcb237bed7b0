/** Entry of the programs that we bring: `node main.js NAME ARGUMENTS...`. Each is loaded only when asked for: starting must be quick. */
import { complain, type OwnProgram, UsageError } from "./types.ts";

const programs: Readonly<Record<string, () => Promise<OwnProgram>>> = {
  agnhost: async () => (await import("./agnhost.ts")).agnhost,
  curl: async () => (await import("./curl.ts")).curl,
  echoserver: async () => (await import("./echo-servers.ts")).echoServer,
  "http-echo": async () => (await import("./echo-servers.ts")).httpEcho,
  httpd: async () => (await import("./httpd.ts")).busyboxHttpd,
  "httpd-foreground": async () => (await import("./httpd.ts")).apacheHttpd,
  nc: async () => (await import("./nc.ts")).nc,
  nginx: async () => (await import("./nginx.ts")).nginx,
  nslookup: async () => (await import("./nslookup.ts")).nslookup,
  telnet: async () => (await import("./telnet.ts")).telnet,
  "traefik-whoami": async () => (await import("./echo-servers.ts")).whoami,
  wget: async () => (await import("./wget.ts")).wget,
};

const [name = "", ...args] = process.argv.slice(2);
const load = Object.hasOwn(programs, name) ? programs[name] : undefined;
// A reader that has enough, such as `head`, is no reason for a stack trace.
process.stdout.on("error", () => process.exit(0));
try {
  if (load === undefined) throw new UsageError(`no such program; there are ${Object.keys(programs).join(", ")}`);
  process.exitCode = await (await load()).run(args);
} catch (error) {
  if (!(error instanceof UsageError || error instanceof TypeError)) throw error;
  complain(`${name}: ${error.message}`);
  process.exitCode = 1;
}
