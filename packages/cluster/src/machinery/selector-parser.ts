/**
 * kubectl's syntax of label selectors, such as `app=web,tier in (a, b),!old`: a lexer and a recursive descent whose refusals are worded as
 * Kubernetes words them (`k8s.io/apimachinery/pkg/labels`).
 */
import { StatusError } from "./errors.ts";
import type { Operator, Requirement } from "./selectors.ts";

interface Token {
  readonly kind: "end" | "word" | "symbol";
  readonly text: string;
}

const end: Token = { kind: "end", text: "" };

function tokenize(text: string): Token[] {
  const pattern = /\s*(?:(!=|==|[=!,()<>])|([^\s=!,()<>]+))/gy;
  return [...text.trimEnd().matchAll(pattern)].map(([, symbol, word]) =>
    symbol !== undefined ? { kind: "symbol", text: symbol } : { kind: "word", text: word ?? "" },
  );
}

const operators: Readonly<Record<string, Operator>> = {
  "=": "In",
  "==": "In",
  "!=": "NotIn",
  ">": "GreaterThan",
  "<": "LessThan",
  in: "In",
  notin: "NotIn",
};

/** Throws BadRequest. */
export function parseRequirements(text: string): Requirement[] {
  return new Parser(tokenize(text)).requirements();
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  requirements(): Requirement[] {
    const found: Requirement[] = [];
    if (this.#peek().kind === "end") return found;
    for (;;) {
      const { kind, text } = this.#peek();
      if (kind !== "word" && text !== "!")
        throw unparsable(`found '${text}', expected: !, identifier, or 'end of string'`);
      found.push(this.#requirement());
      const separator = this.#next();
      if (separator.kind === "end") return found;
      if (separator.text !== ",") throw unparsable(`found '${separator.text}', expected: ',' or 'end of string'`);
      const next = this.#peek();
      if (next.kind !== "word" && next.text !== "!")
        throw unparsable(`found '${next.text}', expected: identifier after ','`);
    }
  }

  #requirement(): Requirement {
    const isAbsent = this.#peek().text === "!";
    if (isAbsent) this.#next();
    const { kind, text: key } = this.#next();
    if (kind !== "word") throw notARequirement(`found '${key}', expected: identifier`);
    checkKey(key);
    const next = this.#peek();
    if (isAbsent) return { key, operator: "DoesNotExist", values: [] };
    if (next.kind === "end" || next.text === ",") return { key, operator: "Exists", values: [] };
    return this.#comparison(key, this.#next().text);
  }

  #comparison(key: string, sign: string): Requirement {
    const operator = operators[sign];
    if (operator === undefined) throw notARequirement(`found '${sign}', expected: in, notin, =, ==, !=, gt, lt`);
    const isSet = sign === "in" || sign === "notin";
    const values = isSet ? this.#values() : [this.#exactValue()];
    if (operator === "GreaterThan" || operator === "LessThan") checkBound(values[0] as string);
    for (const value of values) checkValue(key, value);
    return { key, operator, values };
  }

  #exactValue(): string {
    const { kind, text } = this.#peek();
    if (kind === "end" || text === ",") return "";
    this.#next();
    if (kind !== "word") throw notARequirement(`found '${text}', expected: identifier`);
    return text;
  }

  #values(): string[] {
    const opening = this.#next().text;
    if (opening !== "(") throw notARequirement(`found '${opening}' expected: '('`);
    const values: string[] = [];
    for (;;) {
      const { kind, text } = this.#next();
      if (kind === "word") values.push(text);
      else if (text === ")") return values.length > 0 ? values : [""];
      else if (text !== ",") throw notARequirement(`found '${text}', expected: ',', ')' or identifier`);
    }
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? end;
  }

  #next(): Token {
    const token = this.#peek();
    this.#at += 1;
    return token;
  }
}

const unparsable = (why: string): StatusError => new StatusError("BadRequest", why);
const notARequirement = (why: string): StatusError => unparsable(`unable to parse requirement: ${why}`);

const nameForm = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)$/;
const prefixForm = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const maxNameLength = 63;

const keyRule =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const valueRule =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

function checkKey(key: string): void {
  const slash = key.indexOf("/");
  const name = key.slice(slash + 1);
  const isNamed = nameForm.test(name) && name.length <= maxNameLength;
  if (isNamed && (slash < 0 || prefixForm.test(key.slice(0, slash)))) return;
  throw notARequirement(`<nil>: Invalid value: ${JSON.stringify(key)}: ${keyRule}`);
}

function checkValue(key: string, value: string): void {
  if (value === "" || (nameForm.test(value) && value.length <= maxNameLength)) return;
  throw notARequirement(`values[0][${key}]: Invalid value: ${JSON.stringify(value)}: ${valueRule}`);
}

function checkBound(bound: string): void {
  if (/^-?\d+$/.test(bound)) return;
  throw notARequirement(
    `values[0]: Invalid value: ${JSON.stringify(bound)}: for 'Gt', 'Lt' operators, the value must be an integer`,
  );
}
