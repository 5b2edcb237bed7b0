/**
 * Methods of JSON-RPC as rows: a name, the parameters in order with what they must be, and what to do. Parameters come by position or by
 * name, and have been checked when the row runs.
 */
import { hashFromText } from "../primitives/hash.ts";
import { RpcError } from "./errors.ts";

export interface Parameter<T> {
  readonly help: string;
  readonly isOptional: boolean;
  /** Throws RpcError `type` or `invalidParameter`. */
  read(value: unknown, name: string): T;
}

export type ParameterTable = Readonly<Record<string, Parameter<unknown>>>;
export type ValuesOf<P extends ParameterTable> = {
  readonly [K in keyof P]: P[K] extends Parameter<infer T> ? T : never;
};

export interface Call {
  /** Aborts when the client hangs up or the node stops. */
  readonly signal: AbortSignal;
  /** The wallet that the path names (`/wallet/NAME`). */
  readonly wallet: string | undefined;
}

export interface Method<Context> {
  readonly name: string;
  readonly category: string;
  readonly help: string;
  readonly parameters: ParameterTable;
  run(context: Context, values: Readonly<Record<string, unknown>>, call: Call): unknown;
}

/** Ties the values that a row's function takes to the row's parameters. */
export function method<Context, const P extends ParameterTable>(
  name: string,
  category: string,
  help: string,
  parameters: P,
  run: (context: Context, values: ValuesOf<P>, call: Call) => unknown,
): Method<Context> {
  return {
    name,
    category,
    help,
    parameters,
    run: (context, values, call) => run(context, values as ValuesOf<P>, call),
  };
}

const kind = <T>(help: string, read: (value: unknown, name: string) => T): Parameter<T> => ({
  help,
  isOptional: false,
  read,
});

const wrong = (name: string, expected: string): never => {
  throw new RpcError("type", `${name} must be ${expected}`);
};

const isNothing = (value: unknown): value is undefined | null => value === undefined || value === null;

/** Kinds of parameters. */
export const param = {
  string: (help: string) => kind(help, (value, name) => (typeof value === "string" ? value : wrong(name, "a string"))),
  integer: (help: string, min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER) =>
    kind(help, (value, name) => {
      if (typeof value !== "number" || !Number.isSafeInteger(value)) return wrong(name, "an integer");
      if (value < min || value > max) throw new RpcError("invalidParameter", `${name} is out of range`);
      return value;
    }),
  number: (help: string) =>
    kind(help, (value, name) =>
      typeof value === "number" && Number.isFinite(value) ? value : wrong(name, "a number"),
    ),
  boolean: (help: string) =>
    kind(help, (value, name) => (typeof value === "boolean" ? value : wrong(name, "true or false"))),
  /** Amounts and fee rates come as numbers or as text. */
  amount: (help: string) =>
    kind(help, (value, name) => {
      const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
      return typeof number === "number" && Number.isFinite(number) ? number : wrong(name, "a number");
    }),
  /** Bytes of the hash in internal order. */
  hash: (help: string) =>
    kind(help, (value, name) => {
      const hash = typeof value === "string" ? hashFromText(value) : wrong(name, "a string");
      if (hash !== undefined) return hash;
      throw new RpcError("invalidParameter", `${name} must be of length 64 and hexadecimal (not '${String(value)}')`);
    }),
  hex: (help: string) =>
    kind(help, (value, name) => {
      if (typeof value !== "string") return wrong(name, "a string");
      if (value.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(value)) return Buffer.from(value, "hex");
      throw new RpcError("deserialization", `${name} must be hexadecimal`);
    }),
  /** Any JSON; the row looks at it itself. */
  json: (help: string) => kind(help, (value) => value),
  object: (help: string) =>
    kind(help, (value, name) =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? (value as Readonly<Record<string, unknown>>)
        : wrong(name, "an object"),
    ),
  list: <T>(help: string, element: Parameter<T>) =>
    kind(help, (value, name) =>
      Array.isArray(value)
        ? (value as unknown[]).map((each, index) => element.read(each, `${name}[${index}]`))
        : wrong(name, "an array"),
    ),
  oneOf: <const T extends string>(help: string, values: readonly T[]) =>
    kind(help, (value, name) => values.find((each) => each === value) ?? wrong(name, `one of ${values.join(", ")}`)),
  /** Block verbosity and the like: a number, or true and false for 1 and 0. */
  verbosity: (help: string) =>
    kind(help, (value, name) => {
      if (typeof value === "boolean") return value ? 1 : 0;
      return typeof value === "number" && Number.isInteger(value) ? value : wrong(name, "a number");
    }),
};

export const optional = <T>(parameter: Parameter<T>): Parameter<T | undefined> => ({
  help: parameter.help,
  isOptional: true,
  read: (value, name) => (isNothing(value) ? undefined : parameter.read(value, name)),
});

export const withDefault = <T>(parameter: Parameter<T>, value: T): Parameter<T> => ({
  help: parameter.help,
  isOptional: true,
  read: (given, name) => (isNothing(given) ? value : parameter.read(given, name)),
});

/** The values of a call, by position or by name. Throws RpcError. */
export function readParameters(
  { name, parameters }: Pick<Method<never>, "name" | "parameters">,
  given: unknown,
): Readonly<Record<string, unknown>> {
  const named = byName(parameters, given);
  const values = Object.entries(parameters).map(([key, parameter]) => {
    const value = named.get(key);
    if (isNothing(value) && !parameter.isOptional)
      throw new RpcError("misc", `${name}: ${key} is missing (${parameter.help})`);
    return [key, parameter.read(value, key)] as const;
  });
  return Object.fromEntries(values);
}

function byName(parameters: ParameterTable, given: unknown): ReadonlyMap<string, unknown> {
  const names = Object.keys(parameters);
  if (Array.isArray(given)) {
    if (given.length > names.length)
      throw new RpcError("misc", `${given.length} parameters given, ${names.length} are the most`);
    return new Map(given.map((value, index) => [names[index] as string, value]));
  }
  if (typeof given !== "object" && given !== undefined)
    throw new RpcError("invalidRequest", "Params must be an array or object");
  const named = new Map(Object.entries(given ?? {}));
  for (const key of named.keys())
    if (!names.includes(key)) throw new RpcError("invalidParameter", `Unknown named parameter ${key}`);
  return named;
}
