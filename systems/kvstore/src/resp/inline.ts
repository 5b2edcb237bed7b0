/**
 * Lines typed by people. Two grammars: Redis' (words, quoted words with escapes), and, for the verbs PUT, READ, DELETE, READRANGE and
 * BATCHPUT, that of the original kvstore: verb, key, then the rest of the line is the value, with \\ \n \r \t for what a line can't hold.
 */
import { KvStoreError } from "../errors.ts";

const ORIGINAL_VERBS = new Set(["put", "read", "delete", "readrange", "batchput"]);

export interface InlineRequest {
  readonly args: readonly Buffer[];
  /** Whether the answer is due in the original's plain text. */
  readonly isPlain: boolean;
}

/** Undefined for a blank line. Throws `protocol` when quotes don't match. */
export function parseInline(line: Buffer): InlineRequest | undefined {
  const text = line.toString("latin1");
  const verb = /^\s*(\S+)/.exec(text)?.[1];
  if (verb === undefined) return undefined;
  if (ORIGINAL_VERBS.has(verb.toLowerCase())) return { args: originalWords(text).map(toBytes), isPlain: true };
  return { args: redisWords(text).map(toBytes), isPlain: false };
}

const toBytes = (text: string): Buffer => Buffer.from(text, "latin1");

function originalWords(line: string): string[] {
  const [, verb = "", key, rest] = /^\s*(\S+)(?:[ \t]+(\S+)(?:[ \t](.*))?)?\s*$/s.exec(line) ?? [];
  return [
    verb,
    ...[key, rest].filter((word) => word !== undefined && word !== "").map((word) => unescaped(word as string)),
  ];
}

const PLAIN_ESCAPES: Readonly<Record<string, string>> = { "\\": "\\", n: "\n", r: "\r", t: "\t" };

const unescaped = (word: string): string =>
  word.replaceAll(/\\(.)/gs, (all, letter: string) => PLAIN_ESCAPES[letter] ?? all);

/** One line of the original's text protocol, without its end. */
export const escaped = (text: string): string =>
  text.replaceAll(
    /[\\\n\r\t]/g,
    (character) => ({ "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" })[character] ?? "",
  );

const WORD = /[ \t\r\n\v\f\0]*("(?:\\.|[^"\\])*"|'(?:\\'|[^'])*'|[^\s"'\0]+)/sy;
const BLANKS = /[ \t\r\n\v\f\0]*$/y;

/** Words as Redis splits them: quotes open only at the start of a word and must be followed by a blank. */
function redisWords(line: string): string[] {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    BLANKS.lastIndex = at;
    if (BLANKS.test(line)) return words;
    WORD.lastIndex = at;
    const word = WORD.exec(line)?.[1];
    at = WORD.lastIndex;
    if (word === undefined || !isBlank(line[at])) throw unbalanced();
    words.push(unquoted(word));
  }
}

const isBlank = (character: string | undefined): boolean => character === undefined || /[\s\0]/.test(character);

function unquoted(word: string): string {
  if (word.startsWith("'")) return word.slice(1, -1).replaceAll("\\'", "'");
  return word.startsWith('"') ? word.slice(1, -1).replaceAll(/\\(x[0-9a-fA-F]{2}|.)/gs, unescapedQuoted) : word;
}

const QUOTED_ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", a: "\x07" };

const unescapedQuoted = (_: string, code: string): string =>
  code.length === 3 ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : (QUOTED_ESCAPES[code] ?? code);

const unbalanced = (): KvStoreError => new KvStoreError("protocol", "Protocol error: unbalanced quotes in request");
