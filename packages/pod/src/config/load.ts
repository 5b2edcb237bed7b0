import { readFileSync } from "node:fs";
import { messageOf, PodError } from "../errors.ts";
import { envName, flagName } from "./names.ts";
import { nearest } from "./suggest.ts";
import type { ConfigOf, ConfigSources, ConfigSpec, Setting } from "./types.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** A setting's text and where it came from, for the error message. */
interface Found {
  readonly text: string;
  readonly from: string;
}

type Layer = ReadonlyMap<string, Found>;

/**
 * Reads the settings of `spec` from flags, then environment, then file, then defaults. Throws a PodError `config` that lists everything that
 * is wrong at once. Flags are `--data-dir x`, `--data-dir=x`, `--verbose`, `--no-verbose`.
 */
export function loadConfig<S extends ConfigSpec>(spec: S, sources: ConfigSources = {}): ConfigOf<S> {
  const { argv = process.argv.slice(2), env = process.env } = sources;
  const problems: string[] = [];
  const flags = flagLayer(spec, argv, problems);
  const path = flags.get("config")?.text ?? (env.CONFIG_FILE || sources.file);
  const layers = [flags, envLayer(spec, env, problems), path ? fileLayer(spec, path, problems) : new Map()];
  const values = Object.entries(spec).map(([key, setting]) => [key, settle(key, setting, layers, problems)] as const);
  if (problems.length > 0) throw new PodError("config", problems.join("\n"));
  return Object.freeze(Object.fromEntries(values)) as ConfigOf<S>;
}

function settle(key: string, setting: Setting<unknown>, layers: readonly Layer[], problems: string[]): unknown {
  const found = layers.map((layer) => layer.get(key)).find((entry) => entry !== undefined);
  if (!found) {
    if (setting.required) problems.push(`${setting.env ?? envName(key)}: not set (${setting.help})`);
    return setting.default;
  }
  try {
    return setting.parse(found.text);
  } catch (error) {
    problems.push(`${found.from}: ${messageOf(error)}`);
    return undefined;
  }
}

function flagLayer(spec: ConfigSpec, argv: readonly string[], problems: string[]): Layer {
  const keyOf = new Map(
    Object.keys(spec)
      .filter((key) => !spec[key]?.secret)
      .map((key) => [flagName(key), key]),
  );
  if (!keyOf.has("--config")) keyOf.set("--config", "config");
  const layer = new Map<string, Found>();
  for (let index = 0; index < argv.length; index++) {
    const [flag = "", inline] = splitOnce(argv[index] ?? "", "=");
    const negated = flag.startsWith("--no-") ? keyOf.get(`--${flag.slice(5)}`) : undefined;
    const key = keyOf.get(flag) ?? (negated !== undefined && spec[negated]?.type === "boolean" ? negated : undefined);
    if (key === undefined) problems.push(unknown("flag", flag, keyOf.keys()));
    else if (inline !== undefined) layer.set(key, { text: inline, from: flag });
    else if (spec[key]?.type === "boolean") layer.set(key, { text: String(key !== negated), from: flag });
    else if (argv[index + 1] === undefined) problems.push(`${flag}: a value is missing`);
    else layer.set(key, { text: argv[++index] ?? "", from: flag });
  }
  return layer;
}

/** An empty variable counts as unset: manifests write `value: ""` for "nothing". */
function envLayer(spec: ConfigSpec, env: Env, problems: string[]): Layer {
  const layer = new Map<string, Found>();
  for (const [key, setting] of Object.entries(spec)) {
    const name = setting.env ?? envName(key);
    const path = setting.secret ? env[`${name}_FILE`] : undefined;
    const text = path ? readSecret(`${name}_FILE`, path, problems) : env[name];
    if (text) layer.set(key, { text, from: name });
  }
  return layer;
}

function readSecret(from: string, path: string, problems: string[]): string | undefined {
  try {
    return readFileSync(path, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    problems.push(`${from}: ${messageOf(error)}`);
    return undefined;
  }
}

function fileLayer(spec: ConfigSpec, path: string, problems: string[]): Layer {
  const layer = new Map<string, Found>();
  for (const [key, value] of Object.entries(readDocument(path, problems))) {
    const setting = spec[key];
    if (!setting) problems.push(`${path}: ${unknown("key", key, Object.keys(spec))}`);
    else if (setting.secret)
      problems.push(`${path}: ${key} is a secret; set ${setting.env ?? envName(key)}_FILE instead`);
    else layer.set(key, { text: Array.isArray(value) ? value.join(",") : String(value), from: `${path}: ${key}` });
  }
  return layer;
}

function readDocument(path: string, problems: string[]): object {
  try {
    const document: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof document === "object" && document !== null && !Array.isArray(document)) return document;
    problems.push(`${path}: expected a JSON object`);
  } catch (error) {
    problems.push(`${path}: ${messageOf(error)}`);
  }
  return {};
}

function unknown(what: string, word: string, known: Iterable<string>): string {
  const guess = nearest(word, known);
  return `unknown ${what} ${word}${guess === undefined ? "" : `; did you mean ${guess}?`}`;
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
