/** `get`, `put`, `del`, `watch`. */
import type { Command } from "commander";
import { WhitewaterError } from "../errors.ts";
import { ask, askJson, open } from "./client.ts";
import { type Globals, print, type Rows } from "./shared.ts";
import type { KeyLine } from "./text.ts";

interface KeyOptions {
  readonly prefix?: boolean;
  readonly limit?: string;
  readonly revision?: string;
  readonly keysOnly?: boolean;
  readonly stale?: boolean;
  readonly raw?: boolean;
  readonly ifRevision?: string;
  readonly lease?: string;
}

/** The path of a key, with those of the options that are given. */
function pathOf(base: string, key: string, query: Readonly<Record<string, string | boolean | undefined>>): string {
  const words = Object.entries(query).filter(([, value]) => value !== undefined && value !== false);
  const text = words.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join("&");
  return `/v1/${base}/${encodeURIComponent(key)}${text && `?${text}`}`;
}

async function get(globals: Globals, [key = ""]: Rows, options: KeyOptions): Promise<number> {
  const { prefix, limit, revision, keysOnly: keys, stale, raw } = options;
  if (raw) {
    const { body } = await ask(globals.target, { path: pathOf("kv", key, { revision, stale, raw }) });
    process.stdout.write(body);
    return 0;
  }
  const path = pathOf("kv", key, { prefix, limit, revision, keys, stale });
  const answer = await askJson<KeyLine & { readonly kvs?: readonly KeyLine[] }>(globals.target, { path });
  if (globals.json) print(JSON.stringify(answer));
  else if (answer.kvs) for (const each of answer.kvs) print(keys ? each.key : `${each.key}\n${each.value}`);
  else print(answer.value);
  return 0;
}

async function put(globals: Globals, [key = "", value]: Rows, options: KeyOptions): Promise<number> {
  const body = value ?? (await standardInput());
  const path = pathOf("kv", key, { "if-revision": options.ifRevision, lease: options.lease });
  const answer = await askJson<{ readonly revision: number }>(globals.target, { method: "PUT", path, body });
  print(globals.json ? JSON.stringify(answer) : "OK");
  return 0;
}

async function standardInput(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function del(globals: Globals, [key = ""]: Rows, { prefix, ifRevision }: KeyOptions): Promise<number> {
  const path = pathOf("kv", key, { prefix, "if-revision": ifRevision });
  const answer = await askJson<{ readonly deleted: number }>(globals.target, { method: "DELETE", path });
  print(globals.json ? JSON.stringify(answer) : String(answer.deleted));
  return answer.deleted > 0 ? 0 : 1;
}

/** Until it is ended; goes on at another endpoint, from the revision after the last, when the connection breaks. */
async function watch({ target, json }: Globals, [key = ""]: Rows, { prefix, revision }: KeyOptions): Promise<number> {
  let next = revision;
  let failures = 0;
  for (let turn = 0; failures <= target.endpoints.length; turn++) {
    const endpoint = target.endpoints[turn % target.endpoints.length] as string;
    const path = pathOf("watch", key, { prefix, revision: next });
    try {
      const response = await open({ ...target, timeoutMs: 0 }, endpoint, { path });
      if (response.statusCode !== 200)
        throw new WhitewaterError("refused", `${endpoint} answered ${response.statusCode}`);
      failures = 0;
      let rest = "";
      for await (const chunk of response.setEncoding("utf8")) {
        const lines = (rest + (chunk as string)).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
          const event = JSON.parse(line) as KeyLine & { readonly type: string; readonly modRevision?: number };
          if (event.modRevision !== undefined) next = String(event.modRevision + 1);
          print(
            json
              ? line
              : [event.type.toUpperCase(), event.key, event.type === "put" ? event.value : ""].join("\n").trimEnd(),
          );
        }
      }
    } catch (error) {
      failures++;
      if (failures > target.endpoints.length) throw error;
    }
  }
  return 0;
}

type Action = (globals: Globals, args: Rows, options: KeyOptions) => Promise<number>;

interface Row {
  readonly usage: string;
  readonly summary: string;
  readonly options: readonly (readonly [string, string])[];
  readonly examples: readonly string[];
  readonly run: Action;
}

const PREFIX = ["--prefix", "all keys that begin so"] as const;
const IF = [
  "--if-revision <n>",
  "only if the key's last change was at this revision; 0: only if there is no such key",
] as const;

const rows: readonly Row[] = [
  {
    usage: "get <key>",
    summary: "print a key's value",
    options: [
      PREFIX,
      ["--limit <n>", "at most so many"],
      ["--revision <n>", "as it was then"],
      ["--keys-only", "no values"],
      ["--stale", "what the asked member has, without asking the others"],
      ["--raw", "the bytes and nothing else"],
    ],
    examples: ["whitewater get config/colour", "whitewater get config/ --prefix --json"],
    run: get,
  },
  {
    usage: "put <key> [value]",
    summary: "write a key; the value from standard input where none is given",
    options: [IF, ["--lease <id>", "to go with this lease"]],
    examples: [
      "whitewater put config/colour blue",
      "whitewater put logo < logo.png",
      "whitewater put lock me --if-revision 0",
    ],
    run: put,
  },
  {
    usage: "del <key>",
    summary: "delete a key",
    options: [PREFIX, IF],
    examples: ["whitewater del config/colour", "whitewater del config/ --prefix"],
    run: del,
  },
  {
    usage: "watch <key>",
    summary: "print changes as they happen",
    options: [PREFIX, ["--revision <n>", "from then on"]],
    examples: ["whitewater watch config/ --prefix"],
    run: watch,
  },
];

export function addKeyCommands(program: Command, globals: () => Globals): void {
  for (const { usage, summary, options, examples, run } of rows) {
    const command = program.command(usage).description(summary);
    for (const [flags, description] of options) command.option(flags, description);
    command.addHelpText("after", `\nExamples:\n${examples.map((line) => `  ${line}`).join("\n")}`);
    command.action(async (...parameters: unknown[]) => {
      const [options] = parameters.slice(-2) as [KeyOptions, Command];
      process.exitCode = await run(globals(), parameters.slice(0, -2) as string[], options);
    });
  }
}
