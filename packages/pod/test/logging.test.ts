import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createLogger } from "../src/logging/logger.ts";
import { captureLog } from "./capture.ts";

test("a line has time, level, message and the fields of every generation", () => {
  const { logger, lines } = captureLog();
  logger.child({ pod: "a" }).child({ part: "election" }).info("became leader", { epoch: 3, msg: "shadow" });
  expect(lines[0]).toMatchObject({ level: "info", msg: "became leader", pod: "a", part: "election", epoch: 3 });
  expect(lines[0]?.time).toMatch(/^\d{4}-.*Z$/);
});

test.each([
  ["warn", ["warn", "error"]],
  ["nonsense", ["info", "warn", "error"]],
])("LOG_LEVEL=%s", (level, expected) => {
  const seen: string[] = [];
  const write = (line: string) => void seen.push(JSON.parse(line).level);
  const logger = createLogger({ env: { LOG_LEVEL: level }, pretty: false, write });
  for (const at of ["debug", "info", "warn", "error"] as const) logger[at]("x");
  expect(seen).toEqual(expected);
});

describe("what is logged", () => {
  const logged = (fields: Record<string, unknown>): unknown => {
    const { logger, lines } = captureLog();
    logger.info("x", fields);
    const { time: _, level: __, msg: ___, ...rest } = lines[0] ?? {};
    return rest;
  };

  test("hides secrets by key, at any depth", () => {
    const secrets = {
      password: "a",
      nested: { apiKey: "b", list: [{ AUTHORIZATION: "c" }] },
      tokenCount: 3,
      privateKey: null,
    };
    expect(logged(secrets)).toEqual({
      password: "[redacted]",
      nested: { apiKey: "[redacted]", list: [{ AUTHORIZATION: "[redacted]" }] },
      tokenCount: 3,
      privateKey: null,
    });
  });

  test("spells errors out, causes included", () => {
    const error = Object.assign(new RangeError("outer", { cause: new TypeError("inner") }), { code: "E1" });
    expect(logged({ error })).toMatchObject({
      error: { type: "RangeError", message: "outer", code: "E1", cause: { type: "TypeError", message: "inner" } },
    });
  });

  test("never fails to be JSON, whatever it is", () => {
    const loop: Record<string, unknown> = {};
    loop.self = loop;
    expect(() =>
      logged({ loop, big: 10n, fn: () => 1, bytes: new Uint8Array(3), map: new Map([["a", 1]]) }),
    ).not.toThrow();
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.anything({ withBigInt: true, withDate: true, withMap: true })),
        (o) => void logged(o),
      ),
    );
  });
});

test("people get a readable line", () => {
  let text = "";
  const write = (line: string) => {
    text += line;
  };
  createLogger({ pretty: true, write, level: "info" }).warn("slow disk", {
    ms: 12,
    path: "a b",
    error: new RangeError("bad"),
  });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are what is taken off
  expect(text.replace(/\u001b\[\d+m/g, "")).toMatch(/WARN {2}slow disk ms=12 path="a b" error="bad"\n +at /);
});
