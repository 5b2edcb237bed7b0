import { beforeEach, describe, expect, it } from "vitest";
import type { ApiStore } from "../../src/machinery/store.ts";
import type { ApiObject } from "../../src/machinery/types.ts";
import { openTestStore } from "./support.ts";

const crds = "customresourcedefinitions.apiextensions.k8s.io";
const definition = (rules: ApiObject[], fields: ApiObject = {}): ApiObject => ({
  metadata: { name: "boats.sea.example" },
  spec: {
    group: "sea.example",
    scope: "Namespaced",
    names: { plural: "boats", kind: "Boat" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: {
                type: "object",
                "x-kubernetes-validations": rules,
                properties: {
                  seats: { type: "integer" },
                  crew: { type: "integer" },
                  name: { type: "string" },
                  ...fields,
                },
              },
            },
          },
        },
      },
    ],
  },
});
const boat = (spec: ApiObject): ApiObject => ({ metadata: { name: "b", namespace: "default" }, spec });

let store: ApiStore;
beforeEach(async () => {
  store = await openTestStore();
});

describe("rules in CEL", () => {
  it.each<[string, ApiObject, ApiObject, string]>([
    [
      "with their message",
      { rule: "self.crew <= self.seats", message: "too many" },
      { crew: 3, seats: 2 },
      'spec: Invalid value: "object": too many',
    ],
    [
      "by themselves",
      { rule: "self.crew <= self.seats" },
      { crew: 3, seats: 2 },
      "failed rule: self.crew <= self.seats",
    ],
    [
      "with a worked out message",
      { rule: "self.seats > 0", messageExpression: "'seats: ' + string(self.seats)" },
      { seats: 0 },
      "seats: 0",
    ],
    [
      "at a field",
      { rule: "self.name.matches('^[a-z]+$')", fieldPath: ".name", message: "bad" },
      { name: "X" },
      "spec.name: Invalid value",
    ],
    [
      "with a reason",
      { rule: "has(self.name)", reason: "FieldValueRequired", message: "name it" },
      { seats: 1 },
      "spec: Required value: name it",
    ],
    ["that ask for what is not there", { rule: "self.nothing == 1" }, { seats: 1 }, "can't be evaluated"],
  ])("refuse %s", async (_, rule, spec, told) => {
    await store.create(crds, definition([rule]) as never);
    await expect(store.create("boats.sea.example", boat(spec))).rejects.toThrow(told);
  });

  it("let pass what keeps them, numbers of both sorts included", async () => {
    const rules = [{ rule: "self.draught < 2.5 && self.seats + 1 == 3 && !has(self.name)" }];
    await store.create(crds, definition(rules, { draught: { type: "number" } }) as never);
    await store.create("boats.sea.example", boat({ draught: 2, seats: 2 }));
  });

  it("about a change hold from the second write on", async () => {
    await store.create(crds, definition([{ rule: "self.name == oldSelf.name", message: "keep the name" }]) as never);
    await store.create("boats.sea.example", boat({ name: "a", seats: 1 }));
    await store.modify("boats.sea.example", "default", "b", (draft) => void Object.assign(draft.spec, { seats: 2 }));
    await expect(
      store.modify("boats.sea.example", "default", "b", (draft) => void Object.assign(draft.spec, { name: "c" })),
    ).rejects.toThrow("keep the name");
  });

  it("are read when they are defined", async () => {
    await expect(store.create(crds, definition([{ rule: "self.(" }]) as never)).rejects.toThrow(
      'spec.versions[0].schema.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule: Invalid value: "self.(": compilation failed',
    );
  });
});
