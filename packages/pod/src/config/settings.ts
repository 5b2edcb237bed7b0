import { PodError } from "../errors.ts";
import type { Setting } from "./types.ts";

interface Common {
  readonly help: string;
  readonly env?: string;
}

/** With a default the value is always there; `required` refuses to start without; otherwise it may be undefined. */
type WithDefault<T> = Common & { readonly default: T };
type Required_ = Common & { readonly required: true };

interface Kind<T, Extra = unknown> {
  (options: WithDefault<T> & Extra): Setting<T>;
  (options: Required_ & Extra): Setting<T>;
  (options: Common & Extra): Setting<T | undefined>;
}

interface Loose<T> extends Common {
  readonly default?: T;
  readonly required?: true;
}

/** Makes the builder of one kind of setting out of its parser. */
function kind<T, Extra = unknown>(type: (extra: Extra) => string, parse: (text: string, extra: Extra) => T) {
  const build = (options: Loose<T> & Extra): Setting<T | undefined> => ({
    type: type(options),
    help: options.help,
    env: options.env,
    default: options.default,
    required: options.required === true,
    secret: false,
    parse: (text) => parse(text, options),
  });
  return build as Kind<T, Extra>;
}

interface Range {
  readonly min?: number;
  readonly max?: number;
}

const expected = (what: string, text: string): never => {
  throw new PodError("config", `expected ${what}, got "${text}"`);
};

function number(text: string, { min = -Number.MAX_VALUE, max = Number.MAX_VALUE }: Range, what: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) return expected(what, text);
  return value < min || value > max ? expected(`${what} from ${min} to ${max}`, text) : value;
}

const integer = (text: string, range: Range): number => {
  const value = number(text, range, "a whole number");
  return Number.isSafeInteger(value) ? value : expected("a whole number", text);
};

const truths: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  1: true,
  false: false,
  no: false,
  off: false,
  0: false,
};

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** "250ms", "10s", "5m", "1h"; a bare number is refused, since nobody agrees on its unit. */
function durationMs(text: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text.trim()) ?? [];
  const factor = unitsMs[unit ?? ""];
  return factor === undefined ? expected("a duration such as 250ms, 10s or 5m", text) : Number(digits) * factor;
}

interface Choices<T extends string> {
  readonly values: readonly T[];
}

function oneOf<const T extends string>(options: WithDefault<NoInfer<T>> & Choices<T>): Setting<T>;
function oneOf<const T extends string>(options: Required_ & Choices<T>): Setting<T>;
function oneOf<const T extends string>(options: Loose<T> & Choices<T>): Setting<T | undefined> {
  const list = options.values.join(" | ");
  const parse = (text: string): T => options.values.find((value) => value === text) ?? expected(list, text);
  return kind<T>(() => list, parse)(options);
}

/**
 * The kinds of settings. `secret` comes from its environment variable, or from the file that `<ENV>_FILE` names; a flag would show it in
 * the process list.
 */
export const setting = {
  string: kind<string>(
    () => "text",
    (text) => text,
  ),
  integer: kind<number, Range>(() => "integer", integer),
  number: kind<number, Range>(
    () => "number",
    (text, range) => number(text, range, "a number"),
  ),
  boolean: kind<boolean>(
    () => "boolean",
    (text) => truths[text.toLowerCase()] ?? expected("true or false", text),
  ),
  durationMs: kind<number>(() => "duration", durationMs),
  list: kind<readonly string[]>(
    () => "a,b,...",
    (text) =>
      text
        .split(",")
        .map((item) => item.trim())
        .filter(Boolean),
  ),
  oneOf,
  secret: (options: Common & { readonly required?: true }): Setting<string | undefined> => ({
    ...kind<string>(
      () => "secret",
      (text) => text,
    )(options),
    secret: true,
  }),
} as const;
