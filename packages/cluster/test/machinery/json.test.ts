import { describe, expect, it } from "vitest";
import { jsonEqual } from "../../src/machinery/json.ts";

describe("jsonEqual", () => {
  const object = { a: 1, b: [{ c: null }, "d"], e: { f: { g: true } } };

  it.each<[string, unknown, unknown, boolean]>([
    ["copies", object, structuredClone(object), true],
    ["another value deep down", object, { ...object, e: { f: { g: false } } }, false],
    ["a key that only the first has", { a: 1, b: 2 }, { a: 1 }, false],
    ["a key that only the second has", { a: 1 }, { a: 1, b: 2 }, false],
    ["undefined for absent, either way", { a: 1, b: undefined }, { a: 1, c: undefined }, true],
    ["null for absent", { a: null }, {}, false],
    ["keys that every object inherits", {}, { toString: 1, constructor: 2 }, false],
    ["a list and an object", [], {}, false],
    ["lists of other lengths", [1], [1, 2], false],
  ])("%s", (_, a, b, expected) => {
    expect(jsonEqual(a, b)).toBe(expected);
    expect(jsonEqual(b, a)).toBe(expected);
  });

  it("looks at each value once, however deep it is", () => {
    let reads = 0;
    const nested = (depth: number): object =>
      depth > 0
        ? { inner: nested(depth - 1) }
        : {
            get leaf() {
              reads++;
              return 1;
            },
          };
    expect(jsonEqual(nested(16), nested(16))).toBe(true);
    expect(reads).toBeLessThanOrEqual(4);
  });
});
