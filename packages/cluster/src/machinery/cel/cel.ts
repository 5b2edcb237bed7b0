/**
 * Expressions in CEL, as Kubernetes has them in policies and in the schemas of custom resources. The language is a library's; here are the
 * functions that Kubernetes adds (https://kubernetes.io/docs/reference/using-api/cel/), as far as they are about text and lists.
 * Loaded with the first expression that somebody brings.
 */
import { Environment } from "@marcbachmann/cel-js";

/** Nodes of an expression, and how deep: Kubernetes bounds the cost of an expression, this bounds its size. */
const limits = {
  maxAstNodes: 10_000,
  maxDepth: 100,
  maxListElements: 1_000,
  maxMapEntries: 1_000,
  maxCallArguments: 32,
};

const environment = new Environment({
  unlistedVariablesAreDyn: true,
  homogeneousAggregateLiterals: false,
  enableOptionalTypes: true,
  limits,
})
  .registerFunction("string.replace(string, string): string", (text: string, from: string, to: string) =>
    text.replaceAll(from, to),
  )
  .registerFunction(
    "string.find(string): string",
    (text: string, pattern: string) => new RegExp(pattern, "u").exec(text)?.[0] ?? "",
  )
  .registerFunction("string.findAll(string): list<string>", (text: string, pattern: string) =>
    [...text.matchAll(new RegExp(pattern, "gu"))].map(([found]) => found),
  )
  .registerFunction("list.isSorted(): bool", (list: Comparable[]) =>
    list.every((item, i) => i === 0 || list[i - 1]! <= item),
  )
  .registerFunction("list.sum(): dyn", (list: bigint[]) => list.reduce((sum, item) => sum + item, 0n))
  .registerFunction("list.min(): dyn", (list: Comparable[]) => list.reduce((a, b) => (b < a ? b : a)))
  .registerFunction("list.max(): dyn", (list: Comparable[]) => list.reduce((a, b) => (b > a ? b : a)))
  .registerFunction("isURL(string): bool", (text: string) => URL.canParse(text));

type Comparable = bigint | number | string;

type Program = (variables: Readonly<Record<string, unknown>>) => unknown;

const programs = new Map<string, Program>();
/** Programs that are kept; beyond, the oldest goes. */
const maxPrograms = 1_000;

/** Throws what the library says of an expression that does not parse. */
export function compile(expression: string): Program {
  const known = programs.get(expression);
  if (known) return known;
  const program = environment.parse(expression) as Program;
  if (programs.size >= maxPrograms) programs.delete(programs.keys().next().value as string);
  programs.set(expression, program);
  return program;
}

/** The value of the expression with these variables, made by `toCel`. Throws when it has none. */
export const run = (expression: string, variables: Readonly<Record<string, unknown>>): unknown =>
  compile(expression)(variables);

/** The value of the expression with these variables, which are JSON. Throws when it has none. */
export const evaluate = (expression: string, variables: Readonly<Record<string, unknown>>): unknown =>
  run(expression, toCel(variables) as Record<string, unknown>);

/** JSON as expressions see it: whole numbers are integers unless their schema has them as numbers. */
export function toCel(value: unknown, schema?: Readonly<Record<string, unknown>>): unknown {
  if (typeof value === "number")
    return Number.isSafeInteger(value) && schema?.type !== "number" ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map((item) => toCel(item, schema?.items as typeof schema));
  if (typeof value !== "object" || value === null) return value;
  const fields = schema?.properties as Readonly<Record<string, typeof schema>> | undefined;
  const others = schema?.additionalProperties as typeof schema;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, toCel(inner, fields?.[name] ?? others)]),
  );
}
