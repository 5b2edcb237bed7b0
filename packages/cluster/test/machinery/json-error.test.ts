import fc from "fast-check";
import { expect, it } from "vitest";
import { duplicateFields, jsonSyntaxError } from "../../src/machinery/json-error.ts";

it.each([
  ["", "unexpected end of JSON input"],
  ["{", "unexpected end of JSON input"],
  ['{"a', "unexpected end of JSON input"],
  ["nope", "invalid character 'o' in literal null (expecting 'u')"],
  ["{a: 1}", "invalid character 'a' looking for beginning of object key string"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a": 1 "b": 2}', "invalid character '\"' after object key:value pair"],
  ['{"a": 1,}', "invalid character '}' looking for beginning of object key string"],
  ["[1 2]", "invalid character '2' after array element"],
  ["[1,]", "invalid character ']' looking for beginning of value"],
  ["{} x", "invalid character 'x' after top-level value"],
  ["01", "invalid character '1' after top-level value"],
  ["-", "unexpected end of JSON input"],
  ["1.x", "invalid character 'x' after decimal point in numeric literal"],
  ['"\\x"', "invalid character 'x' in string escape code"],
  ['"\n"', "invalid character '\\n' in string literal"],
  ["<html>", "invalid character '<' looking for beginning of value"],
])("%j", (text, message) => {
  expect(jsonSyntaxError(text)).toBe(message);
});

it("finds an error exactly where JSON.parse does", () => {
  const fragments = fc.constantFrom('{"a":', "[", "1", '"s"', ",", "}", "]", "tru", "null", " ", "-", "\\", ":");
  fc.assert(
    fc.property(fc.array(fragments, { maxLength: 8 }), (parts) => {
      const text = parts.join("");
      let isValid = true;
      try {
        JSON.parse(text);
      } catch {
        isValid = false;
      }
      expect(jsonSyntaxError(text) === "invalid JSON").toBe(isValid);
    }),
  );
});

it.each([
  ['{"a": 1, "b": {"a": 2}}', []],
  ['{"a": 1, "b": [{"c": 1, "d": "c", "c": {}}], "a": [1]}', ["b[0].c", "a"]],
  ['{"a\\u0062": 1, "ab": 2}', ["ab"]],
])("finds the fields that stand twice in %s", (text, paths) => {
  expect(duplicateFields(text)).toEqual(paths);
});
