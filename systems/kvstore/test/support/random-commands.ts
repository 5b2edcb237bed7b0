/** Random conversations with a Redis server: every command that kvstore shares with Redis, with arguments as odd as clients send them. */
import type { Random } from "@coracle/sim";

export type Words = readonly string[];

const NOW_SECONDS = 4_000_000_000;

/** Kinds of arguments: plain ones first, odd ones behind. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  key: ["a", "b", "c", "n", "f", "a", "b", "c", "", "key:1", "k\0\xff", "{x}y", "a".repeat(300)],
  value: [
    ...["1", "x", "hello world", "", "10", "-5", "3.5", "\0\r\n\xff\x80", "é", "y".repeat(50)],
    ...["z".repeat(1500), "inf"],
  ],
  int: [
    ...["1", "0", "-1", "5", "100", "9223372036854775807", "-9223372036854775808", "9223372036854775808"],
    ...["01", "+1", " 1", "1 ", "1.0", "", "x", "-0", "1e3", "99999999999999999999999", "0x10", "-"],
    ...["4294967296"],
  ],
  offset: [
    ...["0", "1", "-1", "3", "-3", "10", "-100", "200", "x", "", "9223372036854775807"],
    ...["-9223372036854775808", "01", "1.5"],
  ],
  float: [
    ...[
      "1",
      "0.5",
      "-0.25",
      "0.1",
      "1e3",
      "2.5e-1",
      "0",
      "-0",
      "+1",
      ".5",
      "5.",
      "1e400",
      "1e-400",
      "1e4900",
      "1e5000",
    ],
    ...["1e-5000", "inf", "-inf", "+INF", "infinity", "nan", "x", "", " 1", "1 ", "1x", "1e", "e1", ".", "-", "1,5"],
    ...["1e2.5", "\u00001", "1_0", "-.5", "3.14159265358979323846", "-0.3", "1234.1", "1e17", "0.00000000000000001"],
    ...["99999999999.999999", "-0.00000000000000000001"],
  ],
  glob: [
    ...["*", "a*", "?", "[a-c]", "[^a]", "[c-a]", "k*", "\\*", "a\\", "[", "[a", "[]", "[]a]", "[^]", "[^", "[a-"],
    ...["[\\]]", "**", "*?*", "", "[abc", "key:?", "{x}*", "h[^", "*a", "[-a]", "[a-]", "[a\\-c]", "\\", "?*?", "[[]"],
    ...["*[", "[^a-"],
  ],
  seconds: [
    ...["1000", "50000", "0", "-1", "x", "", "9223372036854775807", "-9223372036854775808", "9223372036854775", "1.5"],
  ],
  millis: ["1000000", "90000000", "0", "-1", "x", "9223372036854775807", "-9223372036854775808", "99999999"],
  at: [`${NOW_SECONDS}`, `${NOW_SECONDS + 9}`, "1", "0", "-1", "x", "9223372036854775807", "01"],
  atms: [`${NOW_SECONDS}123`, `${NOW_SECONDS}999`, "1", "0", "-1", "x"],
  flagOption: ["NX", "XX", "nx", "FOO", "", "NXX"],
  expireOption: ["NX", "XX", "GT", "LT", "nx", "FOO", "", "NXX"],
  bit: ["0", "1", "0", "1", "2", "-1", "x", ""],
  bitOffset: ["0", "7", "8", "100", "-1", "x", "4294967296", ""],
  word: ["FOO", "", "*", "get", "TYPE", "string", "MATCH", "COUNT"],
};

/** Options of SET and GETEX with what follows them. */
const SET_OPTIONS = [
  ...["NX", "XX", "GET", "KEEPTTL", "nx", "Get", "FOO", "PERSIST", "EX", "EX seconds", "PX millis"],
  ...[
    `EXAT ${NOW_SECONDS}`,
    "EXAT 0",
    "exat x",
    `PXAT ${NOW_SECONDS}123`,
    "PXAT -1",
    "EX seconds PX millis",
    "",
    "EX KEEPTTL",
    "ex seconds",
  ],
];
/** With times that are right: kvstore looks at them before it knows whether the key is there. */
const GETEX_OPTIONS = [
  ...["EX 1000", "px 1000000", `EXAT ${NOW_SECONDS}`, "EXAT 1", "PERSIST", "NX", "", "EX 5000 PX 9", "persist EX 7"],
];
const SCAN_OPTIONS = ["MATCH glob", "COUNT int", "TYPE string", "TYPE hash", "MATCH", "FOO", "TYPE word", "match glob"];

/** Arguments by kind, or as they stand; `?` may be left out, `*` may be repeated, `set` and `scan` are options. */
const GRAMMAR: Readonly<Record<string, string>> = {
  get: "key",
  getset: "key value",
  getdel: "key",
  getex: "key getex*",
  set: "key value set*",
  setnx: "key value",
  setex: "key seconds value",
  psetex: "key millis value",
  mget: "key key*",
  mset: "key value pair*",
  msetnx: "key value pair*",
  strlen: "key",
  append: "key value",
  getrange: "key offset offset",
  substr: "key offset offset",
  setrange: "key offset value",
  incr: "key",
  decr: "key",
  incrby: "key int",
  decrby: "key int",
  incrbyfloat: "key float",
  exists: "key key*",
  touch: "key key*",
  del: "key key*",
  unlink: "key key*",
  type: "key",
  dbsize: "",
  keys: "glob",
  scan: "0 scan* COUNT 1000",
  rename: "key key",
  renamenx: "key key",
  copy: "key key REPLACE?",
  persist: "key",
  ttl: "key",
  pttl: "key",
  expiretime: "key",
  pexpiretime: "key",
  // GT and LT beside a relative time would depend on the millisecond.
  expire: "key seconds flagOption?",
  pexpire: "key millis flagOption?",
  expireat: "key at expireOption* ",
  pexpireat: "key atms expireOption*",
  flushdb: "SYNC?",
  flushall: "ASYNC?",
  setbit: "key bitOffset bit",
  getbit: "key bitOffset",
  bitcount: "key range?",
  ping: "value?",
  echo: "value",
  select: "0",
  multi: "",
  exec: "",
  discard: "",
  unwatch: "",
  nosuchcommand: "word* glob*",
  "client getname": "",
  "client setname": "key",
  "client nosuch": "key?",
  "object encoding": "none",
  "object refcount": "none",
  "object nosuch": "key",
  "config get": "maxmemory-policy nothing",
  "client id": "x",
  "command count": "x",
  "command nosuch": "",
  "memory nosuch": "key",
  hello: "nover",
  "client no-evict": "on",
  "client kill": "value",

  "client list": "word",
};
const NAMES = Object.keys(GRAMMAR);

function expand(random: Random, grammar: string): string[] {
  return grammar
    .split(" ")
    .filter(Boolean)
    .flatMap((token) => {
      const kind = token.replace(/[?*]$/, "");
      if (token.endsWith("?")) return random.chance(0.6) ? argument(random, kind) : [];
      if (token.endsWith("*") && token.length > 1)
        return Array.from({ length: random.int(4) }, () => argument(random, kind)).flat();
      return argument(random, kind);
    });
}

function argument(random: Random, kind: string): string[] {
  if (kind === "set") return expand(random, random.pick(SET_OPTIONS));
  if (kind === "getex") return expand(random, random.pick(GETEX_OPTIONS));
  if (kind === "scan") return expand(random, random.pick(SCAN_OPTIONS));
  if (kind === "pair") return expand(random, "key value");
  if (kind === "range")
    return expand(
      random,
      random.pick(["offset offset", "offset offset BYTE", "offset offset BIT", "offset", "offset offset FOO"]),
    );
  const choices = ARGUMENTS[kind];
  if (!choices) return [kind];
  // Half of the time one of the sane ones in front.
  return [random.chance(0.5) ? random.pick(choices.slice(0, 4)) : random.pick(choices)];
}

function command(random: Random): Words {
  const name = random.pick(NAMES);
  const words = [...name.split(" "), ...expand(random, GRAMMAR[name] ?? "")];
  if (random.chance(0.03) && words.length > 1) words.pop();
  if (random.chance(0.03) && name !== "getex") words.push(...argument(random, "word"));
  if (random.chance(0.1)) words[0] = words[0]?.toUpperCase() ?? "";
  return words;
}

/**
 * What WATCH guards is changed in between, or not. kvstore compares values: the change must not put the same value back, so the
 * watched key gets longer.
 */
function watching(random: Random): Words[] {
  const key = random.pick(["a", "b", "c"]);
  const change = random.chance(0.5) ? [["append", key, "more"]] : [];
  return [["discard"], ["watch", key, "n"], ...change, ["multi"], ["get", key], ["set", key, "new"], ["exec"]];
}

/** At most `length` commands and a few. */
export function conversation(random: Random, length: number): Words[] {
  const words: Words[] = [];
  while (words.length < length) words.push(...(random.chance(0.04) ? watching(random) : [command(random)]));
  return words;
}
