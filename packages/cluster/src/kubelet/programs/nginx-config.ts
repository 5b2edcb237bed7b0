/** Reads the part of nginx's configuration language that the stand-in understands; everything else is passed over. Pure. */

export interface Location {
  readonly prefix: string;
  readonly isExact: boolean;
  readonly answer: { readonly status: number; readonly text: string } | undefined;
  readonly root: string | undefined;
  readonly proxyPass: string | undefined;
}

export interface Site {
  readonly ports: readonly number[];
  readonly root: string | undefined;
  readonly locations: readonly Location[];
}

/** A directive, and what stands in its braces. */
interface Directive {
  readonly words: readonly string[];
  readonly block: readonly Directive[];
}

/** The `server` blocks, wherever they stand. Regular expressions in locations are passed over. */
export function parseNginx(text: string): Site[] {
  const directives = readBlock(tokens(text));
  return serversOf(directives).map(siteOf);
}

function tokens(text: string): string[] {
  const found = text
    .replace(/^\s*#.*$/gm, "")
    .matchAll(/"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([{};])|([^\s{};"']+)/g);
  // A quoted word is marked, so that a quoted brace is no brace.
  return [...found].map(([, double, single, mark, word]) => mark ?? word ?? `"${unescaped(double ?? single ?? "")}`);
}

const unescaped = (text: string): string => text.replace(/\\(.)/g, (_, char: string) => (char === "n" ? "\n" : char));

/** Takes from the front of `rest` up to the brace that closes the block. */
function readBlock(rest: string[]): Directive[] {
  const directives: Directive[] = [];
  let words: string[] = [];
  for (let token = rest.shift(); token !== undefined && token !== "}"; token = rest.shift()) {
    if (token === "{") directives.push({ words, block: readBlock(rest) });
    else if (token === ";") directives.push({ words, block: [] });
    else {
      words.push(token.replace(/^"/, ""));
      continue;
    }
    words = [];
  }
  return directives;
}

const serversOf = (directives: readonly Directive[]): Directive[] =>
  directives.flatMap((each) => (each.words[0] === "server" && each.block.length > 0 ? [each] : serversOf(each.block)));

const firstValue = (block: readonly Directive[], name: string): string | undefined =>
  block.find(({ words }) => words[0] === name)?.words[1];

function siteOf({ block }: Directive): Site {
  const listens = block
    .filter(({ words }) => words[0] === "listen")
    .map(({ words }) => Number(/(\d+)$/.exec(words[1] ?? "")?.[1]));
  const ports = [...new Set(listens.filter((port) => port > 0))];
  const locations = block.filter(({ words }) => words[0] === "location").map(locationOf);
  return {
    ports: ports.length > 0 ? ports : [80],
    root: firstValue(block, "root"),
    locations: locations.filter((each) => each !== undefined),
  };
}

function locationOf({ words, block }: Directive): Location | undefined {
  const [, first = "/", second] = words;
  if (first.startsWith("~")) return undefined;
  const [, status, text = ""] = block.find((each) => each.words[0] === "return")?.words ?? [];
  return {
    prefix: second ?? first,
    isExact: first === "=",
    answer: status === undefined ? undefined : { status: Number(status), text },
    root: firstValue(block, "root"),
    proxyPass: firstValue(block, "proxy_pass"),
  };
}

/** The exact location, else the one with the longest prefix. */
export function matchLocation({ locations }: Site, path: string): Location | undefined {
  const exact = locations.find(({ prefix, isExact }) => isExact && prefix === path);
  const prefixed = locations.filter(({ prefix, isExact }) => !isExact && path.startsWith(prefix));
  return exact ?? prefixed.sort((a, b) => b.prefix.length - a.prefix.length)[0];
}
