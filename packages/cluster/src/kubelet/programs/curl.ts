/**
 * curl: this machine's, told what the C library can't tell it here. Names of the cluster are looked up first and handed over with
 * `--connect-to`, and connections to the cluster leave from the pod's address, by which NetworkPolicy knows the pod.
 */
import { spawn } from "node:child_process";
import dns from "node:dns";
import { constants } from "node:os";
import { complain, type OwnProgram, realCurl } from "./types.ts";

export const curl: OwnProgram = {
  async run(args) {
    const real = process.env[realCurl];
    if (!real) {
      complain("curl: this machine has no curl; install it, or use wget");
      return 127;
    }
    const more = await Promise.all(hostsOf(args).map(directions));
    const podIp = process.env.CORACLE_POD_IP;
    const isLocal = more.some((each) => each.startsWith("127.", each.lastIndexOf("::") + 2));
    const source = podIp !== undefined && isLocal ? ["--interface", podIp] : [];
    return await become(real, [...source, ...more.filter(Boolean).flatMap((each) => ["--connect-to", each]), ...args]);
  },
};

/** Options whose value could be taken for a URL. */
const takesValue = /^(-[a-zA-Z]*[AbcdDeEFHKmoPQrTuUwxXyYz]|--(?!url$)[a-z-]+)$/;
/** Long options without a value: what follows them may be a URL. */
const flags = new Set(
  "silent show-error fail fail-with-body location include head insecure verbose compressed get ipv4 ipv6 no-buffer globoff http1.1 http2 remote-name parallel no-progress-meter raw progress-bar".split(
    " ",
  ),
);

/** The hosts of the URLs among curl's arguments. */
export function hostsOf(args: readonly string[]): string[] {
  const words = args.filter((arg, index) => {
    const before = args[index - 1] ?? "";
    const isValue = takesValue.test(before) && !flags.has(before.replace(/^--/, ""));
    return !arg.startsWith("-") && (!isValue || /^https?:\/\//.test(arg));
  });
  const hosts = words.map(
    (word) => /^(?:[a-z]+:\/\/)?(?:[^/@]*@)?([A-Za-z0-9_.-]+)(?::\d+)?(?:[/?#].*)?$/.exec(word)?.[1],
  );
  return [...new Set(hosts.filter((host) => host !== undefined))];
}

/** `host::address:` for `--connect-to`, any port; empty for what curl can do itself. */
async function directions(host: string): Promise<string> {
  const own = process.env.CORACLE_POD_IP;
  if (host.startsWith("127.0.0.") && own !== undefined) return `${host}::${own}:`;
  try {
    const { address, family } = await dns.promises.lookup(host, { family: 4 });
    return family === 4 ? `${host}::${address}:` : "";
  } catch {
    return "";
  }
}

function become(file: string, args: readonly string[]): Promise<number> {
  const child = spawn(file, args, { stdio: "inherit" });
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.on("error", () => resolve(126));
    child.on("exit", (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}
