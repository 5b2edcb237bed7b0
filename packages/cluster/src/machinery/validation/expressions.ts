/** `x-kubernetes-validations`: the rules in CEL of a custom resource's schema. */
import { celAtHand, rulesField } from "../cel/load.ts";
import { items } from "../defaults/fill.ts";
import { isObject, type JsonObject } from "../json.ts";
import type { ApiObject } from "../types.ts";
import { duplicate, type FieldError, forbidden, invalid, required } from "./field-error.ts";

/** The refusals of the rules that stand at one place of a schema. */
export function brokenRules(path: string, value: unknown, old: unknown, schema: JsonObject): FieldError[] {
  return items(schema[rulesField]).flatMap((rule) => {
    // A rule about a change has nothing to say of what is new.
    const isAboutChange = /\boldSelf\b/.test(rule.rule);
    if (isAboutChange && old === undefined && rule.optionalOldSelf !== true) return [];
    const problem = problemOf(rule, value, old, schema);
    return problem === undefined ? [] : [refusal(`${path}${rule.fieldPath ?? ""}` || "", rule, problem, schema)];
  });
}

function problemOf({ rule, message, messageExpression }: ApiObject, value: unknown, old: unknown, schema: JsonObject) {
  const cel = celAtHand();
  if (cel === undefined) return "its rules can't be evaluated yet; try again";
  const variables = { self: cel.toCel(value, schema), oldSelf: old === undefined ? null : cel.toCel(old, schema) };
  try {
    if (cel.run(rule, variables) === true) return undefined;
  } catch (error) {
    return `rule ${JSON.stringify(rule)} can't be evaluated: ${firstLine(error)}`;
  }
  const told = messageExpression ? attempt(() => cel.run(messageExpression, variables)) : undefined;
  return (typeof told === "string" && told) || message || `failed rule: ${String(rule).trim()}`;
}

const firstLine = (error: unknown) => (error as Error).message.split("\n")[0] ?? "";

function attempt(work: () => unknown): unknown {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** Kubernetes names the type of the value, which may be large, and not the value. */
function refusal(path: string, { reason }: ApiObject, problem: string, { type = "" }: JsonObject): FieldError {
  const field = path.replace(/^\./, "") || "<nil>";
  if (reason === "FieldValueForbidden") return forbidden(field, problem);
  if (reason === "FieldValueRequired") return required(field, problem);
  return reason === "FieldValueDuplicate" ? duplicate(field, type) : invalid(field, type, problem);
}

/** The rules of a schema that are no expressions. */
export function unreadableRules(path: string, schema: unknown): FieldError[] {
  if (!isObject(schema)) return [];
  const own = items(schema[rulesField]).flatMap(({ rule }, index) =>
    unreadable(`${path}.${rulesField}[${index}].rule`, String(rule ?? "")),
  );
  const { properties, items: item, additionalProperties } = schema;
  const inner = isObject(properties)
    ? Object.entries(properties).flatMap(([name, field]) => unreadableRules(`${path}.properties[${name}]`, field))
    : [];
  return [
    ...own,
    ...inner,
    ...unreadableRules(`${path}.items`, item),
    ...unreadableRules(`${path}.additionalProperties`, additionalProperties),
  ];
}

/** Silent while the language is not loaded; whoever stores expressions loads it first. */
export function unreadable(field: string, expression: string): FieldError[] {
  try {
    celAtHand()?.compile(expression);
    return [];
  } catch (error) {
    return [invalid(field, expression, `compilation failed: ERROR: ${firstLine(error)}`)];
  }
}
