/**
 * Says what is wrong with a JSON text in the words of Go's encoding/json, which is what users of Kubernetes know. V8's own messages do not
 * always tell where the error is, so the text is scanned again; that happens only on the way to a refusal.
 */

/** The error in `text`, which is known not to parse. */
export function jsonSyntaxError(text: string): string {
  const scanner = new Scanner(text);
  try {
    scanner.document();
  } catch (error) {
    if (error instanceof SyntaxFound) return error.message;
    throw error;
  }
  return "invalid JSON";
}

/** Paths of the fields that an object in `text`, which parses, has twice: JSON.parse keeps the last and tells nobody. */
export function duplicateFields(text: string): readonly string[] {
  const scanner = new Scanner(text);
  scanner.document();
  return scanner.duplicates;
}

class SyntaxFound extends Error {}

const endOfInput = "unexpected end of JSON input";
const valueStart = "looking for beginning of value";
const keyStart = "looking for beginning of object key string";
const literals: Readonly<Record<string, string>> = { t: "true", f: "false", n: "null" };
const escapes = '"\\/bfnrtu';
const maxDepth = 10_000;
const maxDuplicates = 100;

class Scanner {
  readonly #text: string;
  #at = 0;
  readonly #path: (string | number)[] = [];
  readonly duplicates: string[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  document(): void {
    this.#value(0);
    if (this.#next() !== undefined) this.#fail("after top-level value");
  }

  #value(depth: number): void {
    if (depth > maxDepth) throw new SyntaxFound("exceeded max depth");
    const character = this.#next();
    if (character === "{") this.#object(depth);
    else if (character === "[") this.#array(depth);
    else if (character === '"') this.#string();
    else if (character !== undefined && literals[character] !== undefined) this.#literal(literals[character]);
    else if (character !== undefined && (character === "-" || isDigit(character))) this.#number();
    else this.#fail(valueStart);
  }

  #object(depth: number): void {
    this.#at += 1;
    if (this.#isEnd("}")) return;
    const keys = new Set<string>();
    for (;;) {
      if (this.#next() !== '"') this.#fail(keyStart);
      this.#path.push(this.#key());
      this.#note(keys);
      this.#expect(":", "after object key");
      this.#value(depth + 1);
      this.#path.pop();
      if (this.#isEnd("}")) return;
      this.#expect(",", "after object key:value pair");
    }
  }

  #key(): string {
    const start = this.#at;
    this.#string();
    return JSON.parse(this.#text.slice(start, this.#at)) as string;
  }

  #note(keys: Set<string>): void {
    const key = this.#path.at(-1) as string;
    if (keys.has(key) && this.duplicates.length < maxDuplicates) this.duplicates.push(pathOf(this.#path));
    keys.add(key);
  }

  #array(depth: number): void {
    this.#at += 1;
    if (this.#isEnd("]")) return;
    for (let index = 0; ; index += 1) {
      this.#path.push(index);
      this.#value(depth + 1);
      this.#path.pop();
      if (this.#isEnd("]")) return;
      this.#expect(",", "after array element");
    }
  }

  #string(): void {
    for (this.#at += 1; this.#peek() !== '"'; this.#at += 1) {
      const character = this.#peek();
      if (character === undefined || character < " ") this.#fail("in string literal");
      if (character === "\\") this.#escape();
    }
    this.#at += 1;
  }

  #escape(): void {
    this.#at += 1;
    const code = this.#peek();
    if (code === undefined || !escapes.includes(code)) this.#fail("in string escape code");
    for (let digit = 0; code === "u" && digit < 4; digit += 1) {
      this.#at += 1;
      if (!/[0-9a-fA-F]/.test(this.#peek() ?? "")) this.#fail("in \\u hexadecimal character escape");
    }
  }

  #literal(word: string): void {
    for (const letter of word) {
      if (this.#peek() !== letter) this.#fail(`in literal ${word} (expecting '${letter}')`);
      this.#at += 1;
    }
  }

  #number(): void {
    if (this.#peek() === "-") this.#at += 1;
    if (this.#peek() === "0") this.#at += 1;
    else this.#digits("in numeric literal");
    if (this.#peek() === ".") {
      this.#at += 1;
      this.#digits("after decimal point in numeric literal");
    }
    if (this.#peek()?.toLowerCase() !== "e") return;
    this.#at += 1;
    if (this.#peek() === "+" || this.#peek() === "-") this.#at += 1;
    this.#digits("in exponent of numeric literal");
  }

  #digits(where: string): void {
    if (!isDigit(this.#peek())) this.#fail(where);
    while (isDigit(this.#peek())) this.#at += 1;
  }

  #expect(wanted: string, where: string): void {
    if (this.#next() !== wanted) this.#fail(where);
    this.#at += 1;
  }

  #isEnd(closer: string): boolean {
    if (this.#next() !== closer) return false;
    this.#at += 1;
    return true;
  }

  #peek(): string | undefined {
    return this.#text[this.#at];
  }

  /** The next character that is no space. */
  #next(): string | undefined {
    while (" \t\r\n".includes(this.#peek() ?? "x")) this.#at += 1;
    return this.#peek();
  }

  #fail(where: string): never {
    const character = this.#peek();
    throw new SyntaxFound(character === undefined ? endOfInput : `invalid character ${quote(character)} ${where}`);
  }
}

const pathOf = (path: readonly (string | number)[]): string =>
  path
    .map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`))
    .join("")
    .slice(1);

const isDigit = (character: string | undefined): boolean =>
  character !== undefined && character >= "0" && character <= "9";

const quoted: Readonly<Record<string, string>> = {
  "'": `'\\''`,
  '"': `'"'`,
  "\n": `'\\n'`,
  "\t": `'\\t'`,
  "\r": `'\\r'`,
};
const quote = (character: string): string => quoted[character] ?? `'${character}'`;
