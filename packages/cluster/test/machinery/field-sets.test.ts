import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Fields,
  formatPath,
  intersect,
  isEmptySet,
  isFields,
  membersOf,
  node,
  noFields,
  overlaps,
  subtract,
  union,
} from "../../src/machinery/apply/fields.ts";

/** A set from its members, built by the slow and obvious way. */
function setOf(paths: readonly (readonly string[])[]): Fields {
  const children: Record<string, Fields> = {};
  for (const first of new Set(paths.map(([element]) => element as string))) {
    const below = paths.filter(([element]) => element === first).map((path) => path.slice(1));
    const isMember = below.some((path) => path.length === 0);
    children[first] = node(isMember, setOf(below.filter((path) => path.length > 0))) as Fields;
  }
  return children;
}

const text = (path: readonly string[]) => path.join(" ");
const members = (fields: Fields) => new Set([...membersOf(fields)].map(text));

const path = fc.array(fc.constantFrom("f:a", "f:b", "v:1"), { minLength: 1, maxLength: 3 });
const paths = fc.array(path, { maxLength: 6 });

describe("a set of fields", () => {
  it("behaves as a set of paths", () => {
    fc.assert(
      fc.property(paths, paths, (left, right) => {
        const [a, b] = [setOf(left), setOf(right)];
        const [inA, inB] = [new Set(left.map(text)), new Set(right.map(text))];
        expect(members(a)).toEqual(inA);
        expect(members(union(a, b))).toEqual(new Set([...inA, ...inB]));
        expect(members(intersect(a, b))).toEqual(new Set([...inA].filter((member) => inB.has(member))));
        expect(members(subtract(a, b))).toEqual(new Set([...inA].filter((member) => !inB.has(member))));
        expect(overlaps(a, b)).toBe(!isEmptySet(intersect(a, b)));
      }),
    );
  });

  it("keeps the form in which Kubernetes stores it", () => {
    const labels = { "f:labels": { ".": {}, "f:a": {} } };
    expect(union({ "f:labels": { "f:a": {} } }, { "f:labels": {} })).toEqual(labels);
    expect(subtract(labels, { "f:labels": { "f:a": {} } })).toEqual({ "f:labels": {} });
    expect(subtract(labels, labels)).toEqual(noFields);
  });

  it("prints paths as Kubernetes does", () => {
    expect(formatPath(["f:spec", 'k:{"name":"a","port":80}', "f:image"])).toBe('.spec[name="a",port=80].image');
    expect(formatPath(["f:finalizers", 'v:"x"'])).toBe('.finalizers[="x"]');
    expect(formatPath(["k:nonsense"])).toBe("[nonsense]");
  });

  it.each([null, [], 5, { a: {} }, { "f:a": null }, { "f:a": { b: {} } }])("is not %j", (value) => {
    expect(isFields(value)).toBe(false);
  });
});
