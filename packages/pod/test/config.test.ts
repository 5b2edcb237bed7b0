import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, expectTypeOf, test } from "vitest";
import { describeConfig } from "../src/config/describe.ts";
import { loadConfig } from "../src/config/load.ts";
import { setting } from "../src/config/settings.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "config-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

const file = (name: string, content: unknown): string => {
  const path = join(dir, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
};

const spec = {
  port: setting.integer({ help: "client port", default: 5555, min: 1, max: 65_535 }),
  dataDir: setting.string({ help: "folder", required: true }),
  mode: setting.oneOf({ help: "replication", values: ["async", "sync"], default: "async", env: "REPLICATION_MODE" }),
  verbose: setting.boolean({ help: "more", default: false }),
  drainMs: setting.durationMs({ help: "drain", default: 250 }),
  peers: setting.list({ help: "peers" }),
  password: setting.secret({ help: "AUTH password" }),
};
const load = (argv: string[] = [], env: Record<string, string> = {}, path?: string) =>
  loadConfig(spec, { argv, env, ...(path !== undefined && { file: path }) });

test("flags win over environment, environment over file, file over defaults", () => {
  const path = file("a.json", { port: 1, dataDir: "/file", mode: "sync", peers: ["a", "b"] });
  const config = load(["--port", "3"], { PORT: "2", DATA_DIR: "/env", DRAIN_MS: "2s" }, path);
  expect(config).toEqual({
    port: 3,
    dataDir: "/env",
    mode: "sync",
    verbose: false,
    drainMs: 2000,
    peers: ["a", "b"],
    password: undefined,
  });
  expectTypeOf(config.mode).toEqualTypeOf<"async" | "sync">();
  expectTypeOf(config.peers).toEqualTypeOf<readonly string[] | undefined>();
});

test.each([
  [["--data-dir=x", "--verbose"], { verbose: true }],
  [["--data-dir=x", "--no-verbose"], { verbose: false }],
  [["--data-dir", "x=y"], { dataDir: "x=y" }],
])("reads %j", (argv, expected) => expect(load(argv)).toMatchObject(expected));

test("a secret comes from the environment or a file, never from a flag or the config file", () => {
  const secret = file("secret", "hunter2\n");
  expect(load(["--data-dir=x"], { PASSWORD: "p" }).password).toBe("p");
  expect(load(["--data-dir=x"], { PASSWORD_FILE: secret }).password).toBe("hunter2");
  expect(() => load(["--data-dir=x", "--password", "p"])).toThrow(/unknown flag --password/);
  expect(() => load([], {}, file("b.json", { dataDir: "x", password: "p" }))).toThrow(/PASSWORD_FILE/);
});

test("everything that is wrong is said at once, with the nearest word", () => {
  const path = file("c.json", { prot: 1 });
  let message = "";
  try {
    load(["--data-dri", "--port"], { REPLICATION_MODE: "maybe", DRAIN_MS: "5" }, path);
  } catch (error) {
    message = (error as Error).message;
  }
  expect(message.split("\n")).toEqual([
    "unknown flag --data-dri; did you mean --data-dir?",
    "--port: a value is missing",
    `${path}: unknown key prot; did you mean port?`,
    "DATA_DIR: not set (folder)",
    'REPLICATION_MODE: expected async | sync, got "maybe"',
    'DRAIN_MS: expected a duration such as 250ms, 10s or 5m, got "5"',
  ]);
});

test.each([
  ["65536", /from 1 to 65535/],
  ["1.5", /whole number/],
  ["", undefined],
])("checks the port %j", (port, message) => {
  const read = () => load(["--data-dir=x"], { PORT: port }).port;
  if (message) expect(read).toThrow(message);
  else expect(read()).toBe(5555);
});

test("a broken file is named", () => {
  expect(() => load([], {}, join(dir, "absent.json"))).toThrow(/absent\.json/);
  expect(() => load(["--config", file("d.json", "[]"), "--data-dir=x"])).toThrow(/expected a JSON object/);
});

test("help lists flags, variables and defaults, and no flag for a secret", () => {
  const help = describeConfig(spec);
  expect(help).toContain("--port <integer>       PORT ");
  expect(help).toContain("client port (default 5555)");
  expect(help).toContain("PASSWORD or PASSWORD_FILE");
  expect(help).not.toContain("--password");
});
