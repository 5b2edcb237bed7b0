import { beforeEach, describe, expect, it } from "vitest";
import type { ApiStore } from "../../src/machinery/store.ts";
import type { ApiObject } from "../../src/machinery/types.ts";
import { descriptor, openTestStore } from "./support.ts";

const definition: ApiObject = {
  metadata: { name: "boats.sea.example" },
  spec: {
    group: "sea.example",
    scope: "Namespaced",
    names: { plural: "boats", kind: "Boat", shortNames: ["bt"] },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: {
                type: "object",
                properties: {
                  seats: { type: "integer", default: 1 },
                  crew: { type: "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] },
                },
              },
            },
          },
        },
      },
    ],
  },
};

let store: ApiStore;
beforeEach(async () => {
  store = await openTestStore();
  await store.create("customresourcedefinitions.apiextensions.k8s.io", definition);
});

const boat = (spec: ApiObject): ApiObject => ({ metadata: { name: "b", namespace: "default" }, spec });

describe("a custom resource", () => {
  it("is established and served once it is defined", () => {
    expect(store.get("customresourcedefinitions.apiextensions.k8s.io", "", "boats.sea.example")).toMatchObject({
      spec: { names: { singular: "boat", listKind: "BoatList" } },
      status: {
        conditions: [{ type: "NamesAccepted" }, { type: "Established", status: "True" }],
        storedVersions: ["v1"],
      },
    });
    expect(store.find("sea.example", "v1", "boats")).toMatchObject({
      kind: "Boat",
      shortNames: ["bt"],
      subresources: ["status"],
    });
  });

  it("is served no longer once its definition is gone", async () => {
    await store.delete("customresourcedefinitions.apiextensions.k8s.io", "", "boats.sea.example");
    expect(store.find("sea.example", "v1", "boats")).toBeUndefined();
    await expect(store.create("boats.sea.example", boat({}))).rejects.toMatchObject({ reason: "BadRequest" });
  });

  it("has its schema's defaults, a generation and a status of its own", async () => {
    const created = await store.create("boats.sea.example", boat({}));
    expect(created).toMatchObject({ apiVersion: "sea.example/v1", spec: { seats: 1 }, metadata: { generation: 1 } });
    const withStatus = await store.update(
      "boats.sea.example",
      { ...created, spec: { seats: 9 }, status: { afloat: true } },
      { subresource: "status" },
    );
    expect(withStatus).toMatchObject({ spec: { seats: 1 }, status: { afloat: true }, metadata: { generation: 1 } });
  });

  it("merges the lists that its schema says are keyed", async () => {
    const apply = (crew: ApiObject[], fieldManager: string) =>
      store.patch(
        descriptor(store, "boats.sea.example"),
        "default",
        "b",
        "apply",
        { apiVersion: "sea.example/v1", kind: "Boat", metadata: { name: "b" }, spec: { crew } },
        { fieldManager },
      );
    await apply([{ name: "ann" }], "one");
    const { object } = await apply([{ name: "bob" }], "two");
    expect(object.spec.crew).toEqual([{ name: "ann" }, { name: "bob" }]);
  });

  it("takes no strategic merge patch", async () => {
    await store.create("boats.sea.example", boat({}));
    const patch = store.patch(descriptor(store, "boats.sea.example"), "default", "b", "strategic", {}, {});
    await expect(patch).rejects.toMatchObject({ code: 415 });
  });
});
