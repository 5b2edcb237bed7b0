import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  formatSelector,
  matchesSelector,
  nothing,
  parseSelector,
  type Selector,
  selectorOf,
} from "../../src/machinery/selectors.ts";

const labels = { app: "web", tier: "front", "example.com/n": "5" };

describe("a selector in kubectl's syntax", () => {
  it.each([
    ["", true],
    ["app=web", true],
    ["app==web", true],
    ["app!=web", false],
    ["missing!=web", true],
    ["app", true],
    ["!app", false],
    ["!missing", true],
    ["app in (web, api)", true],
    ["app in (api),tier", false],
    ["app notin (api)", true],
    ["missing notin (api)", true],
    ["app=web, tier=front", true],
    ["app=web,tier=back", false],
    ["example.com/n>4", true],
    ["example.com/n<5", false],
    ["app=", false],
    ["toString", false],
  ])("%s", (text, expected) => {
    expect(matchesSelector(parseSelector(text), labels)).toBe(expected);
  });

  it.each(["app=(", "=web", "app in web", "a b", "app=web,,tier", "app,"])("refuses %s", (text) => {
    expect(() => parseSelector(text)).toThrow(expect.objectContaining({ reason: "BadRequest" }));
  });

  it("survives being printed", () => {
    const word = fc.stringMatching(/^[a-z]([-a-z0-9]{0,8}[a-z0-9])?$/);
    const listed = fc.record({
      key: word,
      operator: fc.constantFrom("In" as const, "NotIn" as const),
      values: fc.uniqueArray(word, { minLength: 1, maxLength: 3 }).map((values) => values.sort()),
    });
    const bare = fc.record({
      key: word,
      operator: fc.constantFrom("Exists" as const, "DoesNotExist" as const),
      values: fc.constant([] as string[]),
    });
    fc.assert(
      fc.property(fc.uniqueArray(fc.oneof(listed, bare), { selector: ({ key }) => key }), (requirements) => {
        const selector: Selector = requirements.toSorted((a, b) => (a.key < b.key ? -1 : 1));
        expect(parseSelector(formatSelector(selector))).toEqual(selector);
      }),
    );
  });
});

describe("a LabelSelector", () => {
  it("selects everything when empty and nothing when absent", () => {
    expect(matchesSelector(selectorOf({}), labels)).toBe(true);
    expect(matchesSelector(selectorOf(undefined), labels)).toBe(false);
    expect(matchesSelector(nothing, undefined)).toBe(false);
  });

  it("needs all its labels and expressions", () => {
    const expression = (operator: string, values?: string[]) => ({ key: "tier", operator, ...(values && { values }) });
    const matches = (...matchExpressions: ReturnType<typeof expression>[]) =>
      matchesSelector(selectorOf({ matchLabels: { app: "web" }, matchExpressions }), labels);
    expect(matches(expression("In", ["front"]), expression("Exists"))).toBe(true);
    expect(matches(expression("In", ["front"]), expression("DoesNotExist"))).toBe(false);
  });
});
