/** wget, in the words of busybox's. */
import { createWriteStream } from "node:fs";
import http from "node:http";
import https from "node:https";
import { basename } from "node:path";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { find, reasonOf } from "./dial.ts";
import { complain, type OwnProgram, UsageError } from "./types.ts";

const options = {
  quiet: { type: "boolean", short: "q" },
  "output-document": { type: "string", short: "O" },
  "directory-prefix": { type: "string", short: "P" },
  timeout: { type: "string", short: "T" },
  tries: { type: "string", short: "t" },
  spider: { type: "boolean" },
  "server-response": { type: "boolean", short: "S" },
  "no-verbose": { type: "boolean" },
  continue: { type: "boolean", short: "c" },
  header: { type: "string", multiple: true },
  "post-data": { type: "string" },
  "user-agent": { type: "string", short: "U" },
  "no-check-certificate": { type: "boolean" },
} as const;

const parse = (args: readonly string[]) => parseArgs({ args: [...args], options, allowPositionals: true });

type Wishes = ReturnType<typeof parse>["values"];

const maxRedirects = 5;
const defaultTimeoutSeconds = 900;

/** What ends the download, as it is printed after `wget: `. */
class Failure extends Error {
  override readonly name = "Failure";
}

export const wget: OwnProgram = {
  async run(args) {
    // Older spellings of `-q -T` that GNU's has, too: `-nv`.
    const { values, positionals } = parse(args.map((arg) => (arg === "-nv" ? "--no-verbose" : arg)));
    if (positionals.length === 0) throw new UsageError("missing URL");
    try {
      for (const url of positionals)
        await download(new URL(/^https?:/.test(url) ? url : `http://${url}`), values, maxRedirects);
      return 0;
    } catch (error) {
      complain(`wget: ${error instanceof Failure ? error.message : reasonOf(error)}`);
      return 1;
    }
  },
};

async function download(url: URL, wishes: Wishes, redirects: number): Promise<void> {
  const port = Number(url.port || (url.protocol === "https:" ? 443 : 80));
  const target = await find(url.hostname, port);
  const tell = (line: string): void => void (wishes.quiet || complain(line));
  tell(`Connecting to ${url.host} (${target.address}:${port})`);
  const response = await request(url, wishes).catch((error: unknown) => {
    if (error instanceof Failure) throw error;
    throw new Failure(`can't connect to remote host (${target.address}): ${reasonOf(error)}`);
  });
  const { statusCode = 0, headers } = response;
  const status = `HTTP/${response.httpVersion} ${statusCode} ${response.statusMessage}`;
  if (wishes["server-response"]) for (const line of [status, ...headerLines(response)]) complain(`  ${line}`);
  if (statusCode >= 300 && statusCode < 400 && headers.location) {
    response.resume();
    if (redirects === 0) throw new Failure("too many redirections");
    return await download(new URL(headers.location, url), wishes, redirects - 1);
  }
  if (statusCode < 200 || statusCode >= 300) {
    response.destroy();
    throw new Failure(`server returned error: ${status}`);
  }
  if (wishes.spider) {
    response.destroy();
    tell("remote file exists");
  } else await save(response, url, wishes, tell);
}

const headerLines = ({ rawHeaders }: http.IncomingMessage): string[] =>
  rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${rawHeaders[index + 1]}`] : []));

function request(url: URL, wishes: Wishes): Promise<http.IncomingMessage> {
  const body = wishes["post-data"];
  const given = (wishes.header ?? []).map((line) => line.split(/:\s*/, 2) as [string, string]);
  const headers = {
    "User-Agent": wishes["user-agent"] ?? "Wget",
    Connection: "close",
    ...(body !== undefined && { "Content-Type": "application/x-www-form-urlencoded" }),
    ...Object.fromEntries(given),
  };
  const timeout = Number(wishes.timeout ?? defaultTimeoutSeconds) * 1000;
  const method = body === undefined ? (wishes.spider ? "HEAD" : "GET") : "POST";
  const client = url.protocol === "https:" ? https : http;
  return new Promise((resolve, reject) => {
    const call = client.request(url, { method, headers, timeout, rejectUnauthorized: false }, resolve);
    call.on("timeout", () => call.destroy(new Failure("download timed out")));
    call.on("error", reject);
    call.end(body);
  });
}

async function save(
  response: http.IncomingMessage,
  url: URL,
  wishes: Wishes,
  tell: (line: string) => void,
): Promise<void> {
  const file =
    wishes["output-document"] ?? `${wishes["directory-prefix"] ?? "."}/${basename(url.pathname) || "index.html"}`;
  if (file === "-") return await pipeline(response, process.stdout, { end: false });
  tell(`saving to '${file.replace(/^\.\//, "")}'`);
  await pipeline(response, createWriteStream(file));
  tell(`'${file.replace(/^\.\//, "")}' saved`);
}
