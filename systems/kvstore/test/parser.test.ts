import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KvStoreError } from "../src/errors.ts";
import { parseInline } from "../src/resp/inline.ts";
import { DEFAULT_REQUEST_LIMITS } from "../src/resp/limits.ts";
import { RequestParser } from "../src/resp/parser.ts";
import { resp } from "./support/raw.ts";

const LIMITS = {
  ...DEFAULT_REQUEST_LIMITS,
  maxBulkBytes: 1000,
  maxArguments: 20,
  maxInlineBytes: 200,
  maxRequestBytes: 3000,
};

/** Everything parsed, as text, and how it ended. */
function parse(chunks: readonly Uint8Array[]) {
  const parser = new RequestParser(LIMITS);
  const requests: string[][] = [];
  for (const chunk of chunks) {
    parser.push(Buffer.from(chunk));
    try {
      for (let request = parser.next(); request; request = parser.next())
        requests.push(
          "args" in request
            ? [request.name, ...request.args.map((arg) => arg.toString("latin1"))]
            : [`line ${request.line.toString("latin1")}`],
        );
    } catch (error) {
      expect(error).toBeInstanceOf(KvStoreError);
      return { requests, end: (error as Error).message };
    }
    expect(parser.pendingBytes).toBeLessThan(LIMITS.maxRequestBytes + 2 * LIMITS.maxInlineBytes + chunk.length);
  }
  return { requests, end: "open" };
}

function cut(bytes: Buffer, points: readonly number[]): Buffer[] {
  const edges = [0, ...points.map((point) => point % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
}

const word = fc.uint8Array({ maxLength: 40 });
const request = fc.array(word, { minLength: 1, maxLength: 6 }).map((words) => resp(...words));
const line = fc.stringMatching(/^[a-z "']{0,30}$/).map((text) => Buffer.from(`${text}\r\n`));
/** Mostly what clients send, with some bytes gone wrong. */
const stream = fc
  .tuple(
    fc.array(fc.oneof(request, line), { maxLength: 8 }),
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 2 }),
  )
  .map(([parts, damage]) => {
    const bytes = Buffer.concat(parts);
    for (const [at, byte] of damage) if (bytes.length > 0) bytes[at % bytes.length] = byte;
    return bytes;
  });

describe("the request parser", () => {
  it("gives the same requests however the stream is cut", () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 20 }), (bytes, points) => {
        expect(parse(cut(bytes, points))).toEqual(parse([bytes]));
      }),
      { numRuns: 500 },
    );
  });

  it("gives the same requests byte by byte", () => {
    fc.assert(
      fc.property(stream, (bytes) => {
        expect(parse([...bytes].map((byte) => Buffer.of(byte)))).toEqual(parse([bytes]));
      }),
      { numRuns: 200 },
    );
  });

  it("returns exactly the words that were sent", () => {
    fc.assert(
      fc.property(fc.array(fc.array(word, { minLength: 1, maxLength: 6 }), { maxLength: 5 }), (sent) => {
        const { requests } = parse([Buffer.concat(sent.map((words) => resp(...words)))]);
        expect(requests).toEqual(sent.map((words) => words.map((bytes) => Buffer.from(bytes).toString("latin1"))));
      }),
    );
  });

  it("survives any bytes", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), (chunks) => void parse(chunks)),
    );
  });

  it("bounds all arguments of a request together", () => {
    expect(parse([resp(...Array.from({ length: 4 }, () => "x".repeat(900)))]).end).toBe(
      "Protocol error: too big request",
    );
  });

  it("skips empty and null arrays, as Redis does", () => {
    expect(parse([Buffer.from("*0\r\n*-1\r\n*1\r\n$4\r\nPING\r\n")]).requests).toEqual([["PING"]]);
  });
});

describe("inline lines", () => {
  const words = (text: string) => parseInline(Buffer.from(text))?.args.map((arg) => arg.toString("latin1"));

  it.each([
    ["SET a b", ["SET", "a", "b"]],
    ["  SET\ta   b ", ["SET", "a", "b"]],
    [`SET "a b" 'c "d'`, ["SET", "a b", 'c "d']],
    [String.raw`SET "\x41\n\"" 'it\'s'`, ["SET", 'A\n"', "it's"]],
    ['SET "" x', ["SET", "", "x"]],
    ["put a b c", ["put", "a", "b c"]],
    ["READ a", ["READ", "a"]],
  ])("%j is %j", (text, expected) => expect(words(text)).toEqual(expected));

  it.each(["   ", ""])("%j is nothing", (text) => expect(words(text)).toBeUndefined());

  it.each(['SET "a', "SET 'a", 'SET "a"b', "GET 'a'b'"])("%j has unbalanced quotes", (text) => {
    expect(() => words(text)).toThrow("unbalanced quotes");
  });

  it("never take long over a line", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a"' \\]{0,2000}$/), (text) => {
        try {
          parseInline(Buffer.from(text));
        } catch (error) {
          expect(error).toBeInstanceOf(KvStoreError);
        }
      }),
    );
  });
});
