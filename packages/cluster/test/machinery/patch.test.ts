import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type JsonObject, jsonClone } from "../../src/machinery/json.ts";
import { applyJsonPatch } from "../../src/machinery/patch/json-patch.ts";
import { applyMergePatch } from "../../src/machinery/patch/merge-patch.ts";
import { applyStrategicPatch } from "../../src/machinery/patch/strategic.ts";
import { shapeOf } from "../../src/machinery/shape/shapes.ts";

describe("JSON patch", () => {
  const cases: [string, unknown, unknown[], unknown][] = [
    ["adds a field", {}, [{ op: "add", path: "/a", value: 1 }], { a: 1 }],
    ["inserts into a list", { a: [1, 3] }, [{ op: "add", path: "/a/1", value: 2 }], { a: [1, 2, 3] }],
    ["appends to a list", { a: [1] }, [{ op: "add", path: "/a/-", value: 2 }], { a: [1, 2] }],
    [
      "removes",
      { a: 1, b: [1, 2] },
      [
        { op: "remove", path: "/a" },
        { op: "remove", path: "/b/0" },
      ],
      { b: [2] },
    ],
    ["replaces the whole", { a: 1 }, [{ op: "replace", path: "", value: { b: 2 } }], { b: 2 }],
    ["moves", { a: { b: 1 }, c: {} }, [{ op: "move", from: "/a/b", path: "/c/d" }], { a: {}, c: { d: 1 } }],
    ["copies", { a: { b: 1 } }, [{ op: "copy", from: "/a", path: "/c" }], { a: { b: 1 }, c: { b: 1 } }],
    ["tests", { a: [1] }, [{ op: "test", path: "/a", value: [1] }], { a: [1] }],
    ["reads escapes", { "x/y~": 1 }, [{ op: "remove", path: "/x~1y~0" }], {}],
    ["keeps __proto__ as data", {}, [{ op: "add", path: "/__proto__", value: 1 }], JSON.parse('{"__proto__":1}')],
  ];
  it.each(cases)("%s", (_, document, patch, expected) => {
    expect(applyJsonPatch(jsonClone(document), patch)).toEqual(expected);
  });

  const refusals: [string, unknown[]][] = [
    ["a missing path", [{ op: "remove", path: "/x" }]],
    ["a replaced field that is missing", [{ op: "replace", path: "/x", value: 1 }]],
    ["an index past the end", [{ op: "add", path: "/list/2", value: 1 }]],
    ["a test that fails", [{ op: "test", path: "/list", value: [2] }]],
    ["a field of a value", [{ op: "add", path: "/list/0/x", value: 1 }]],
    ["a move into itself", [{ op: "move", from: "/list", path: "/list/0" }]],
  ];
  it.each(refusals)("refuses %s", (_, patch) => {
    expect(() => applyJsonPatch({ list: [1] }, patch)).toThrow(expect.objectContaining({ reason: "Invalid" }));
  });

  it.each([[[{ op: "nonsense", path: "/a" }]], [{}], [[{ path: "/a" }]], [[{ op: "add", path: "a" }]]])(
    "refuses %j as malformed",
    (patch) => {
      expect(() => applyJsonPatch({}, patch)).toThrow(expect.objectContaining({ reason: "BadRequest" }));
    },
  );

  it("undoes an addition by a removal", () => {
    const key = fc.string({ minLength: 1 }).filter((text) => text !== "__proto__");
    fc.assert(
      fc.property(fc.dictionary(key, fc.jsonValue()), key, fc.jsonValue(), (document, name, value) => {
        fc.pre(!Object.hasOwn(document, name));
        const path = `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
        const before = JSON.parse(JSON.stringify(document));
        const patch = [
          { op: "add", path, value },
          { op: "remove", path },
        ];
        expect(applyJsonPatch(jsonClone(before), patch)).toEqual(before);
      }),
    );
  });
});

describe("merge patch", () => {
  it("merges maps, removes nulls and replaces lists", () => {
    const target = { a: { b: 1, c: 2 }, d: [1, 2], e: 1 };
    expect(applyMergePatch(target, { a: { b: null, x: 3 }, d: [3], e: { f: null, g: 1 } })).toEqual({
      a: { c: 2, x: 3 },
      d: [3],
      e: { g: 1 },
    });
  });

  it("is idempotent", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (target, patch) => {
        const once = applyMergePatch(jsonClone(target), patch);
        expect(applyMergePatch(jsonClone(once), patch)).toEqual(once);
      }),
    );
  });
});

describe("strategic merge patch", () => {
  const deployment = (...containers: JsonObject[]) => ({ spec: { template: { spec: { containers } } } });
  const patch = (target: JsonObject, change: JsonObject, key = "deployments.apps") =>
    applyStrategicPatch(jsonClone(target), change, shapeOf(key));

  it("merges containers by name", () => {
    const old = deployment({ name: "a", image: "a:1" }, { name: "b", image: "b:1" });
    expect(patch(old, deployment({ name: "b", image: "b:2" }, { name: "c", image: "c:1" }))).toEqual(
      deployment({ name: "a", image: "a:1" }, { name: "b", image: "b:2" }, { name: "c", image: "c:1" }),
    );
  });

  it("removes an item by $patch: delete", () => {
    const old = deployment({ name: "a" }, { name: "b" });
    expect(patch(old, deployment({ name: "a", $patch: "delete" }))).toEqual(deployment({ name: "b" }));
  });

  it("replaces a list by an item that says $patch: replace", () => {
    const old = deployment({ name: "a" }, { name: "b" });
    expect(patch(old, deployment({ $patch: "replace" }, { name: "c" }))).toEqual(deployment({ name: "c" }));
  });

  it("replaces a map by $patch: replace and empties it by delete", () => {
    const old = { metadata: { labels: { a: "1", b: "2" } } };
    expect(patch(old, { metadata: { labels: { $patch: "replace", c: "3" } } })).toEqual({
      metadata: { labels: { c: "3" } },
    });
    expect(patch(old, { metadata: { labels: { $patch: "delete" } } })).toEqual({ metadata: { labels: {} } });
  });

  it("orders by $setElementOrder and leaves strangers in their place", () => {
    const old = deployment({ name: "x" }, { name: "b" }, { name: "a" });
    const change = {
      spec: {
        template: {
          spec: {
            "$setElementOrder/containers": [{ name: "a" }, { name: "b" }, { name: "c" }],
            containers: [{ name: "c" }],
          },
        },
      },
    };
    expect(patch(old, change)).toEqual(deployment({ name: "x" }, { name: "a" }, { name: "b" }, { name: "c" }));
  });

  it("adds to and deletes from lists of values", () => {
    const old = { metadata: { finalizers: ["a", "b"] } };
    expect(patch(old, { metadata: { finalizers: ["c", "a"] } })).toEqual({ metadata: { finalizers: ["a", "b", "c"] } });
    expect(patch(old, { metadata: { "$deleteFromPrimitiveList/finalizers": ["a"] } })).toEqual({
      metadata: { finalizers: ["b"] },
    });
  });

  it("clears a union by $retainKeys", () => {
    const old = { spec: { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } } } };
    const change = { spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } } };
    expect(patch(old, change)).toEqual({ spec: { strategy: { type: "Recreate" } } });
  });

  it("replaces lists without a key", () => {
    const old = deployment({ name: "a", command: ["x", "y"] });
    expect(patch(old, deployment({ name: "a", command: ["z"] }))).toEqual(deployment({ name: "a", command: ["z"] }));
  });

  it("merges service ports by port", () => {
    const old = { spec: { ports: [{ port: 80, nodePort: 30001 }, { port: 81 }] } };
    expect(patch(old, { spec: { ports: [{ port: 80, name: "web" }] } }, "services")).toEqual({
      spec: { ports: [{ port: 80, nodePort: 30001, name: "web" }, { port: 81 }] },
    });
  });

  it("refuses an item without its key", () => {
    expect(() => patch(deployment({ name: "a" }), deployment({ image: "b" }))).toThrow(
      "does not contain declared merge key: name",
    );
  });
});
