import type { ConfigMap } from "kubernetes-types/core/v1.js";
import { beforeEach, describe, expect, it } from "vitest";
import type { ApiStore } from "../../src/machinery/store.ts";
import type { ApiObject } from "../../src/machinery/types.ts";
import { configMap, descriptor, openTestStore } from "./support.ts";

let store: ApiStore;
beforeEach(async () => {
  store = await openTestStore();
});

const apply = (
  key: string,
  config: ApiObject,
  fieldManager = "alice",
  options: { force?: boolean; dryRun?: boolean } = {},
) =>
  store.patch(descriptor(store, key), "default", config.metadata?.name ?? "", "apply", structuredClone(config), {
    fieldManager,
    ...options,
  });

const data = (values: Record<string, string>): ApiObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "a" },
  data: values,
});

const owners = (object: ApiObject) =>
  Object.fromEntries(
    (object.metadata?.managedFields ?? []).map(({ manager, operation, fieldsV1 }) => [
      `${manager} ${operation}`,
      fieldsV1,
    ]),
  );

describe("apply", () => {
  it("creates, and owns what it names", async () => {
    const { object, created } = await apply("configmaps", data({ x: "1" }));
    expect(created).toBe(true);
    expect(object.metadata.managedFields).toEqual([
      {
        manager: "alice",
        operation: "Apply",
        apiVersion: "v1",
        time: "2026-01-02T03:04:05Z",
        fieldsType: "FieldsV1",
        fieldsV1: { "f:data": { "f:x": {} } },
      },
    ]);
  });

  it("writes nothing when nothing changes", async () => {
    const first = await apply("configmaps", data({ x: "1" }));
    expect((await apply("configmaps", data({ x: "1" }))).object).toBe(first.object);
  });

  it("takes away what its author no longer names", async () => {
    await apply("configmaps", data({ x: "1", y: "2" }));
    const { object } = await apply("configmaps", data({ y: "2" }));
    expect(object.data).toEqual({ y: "2" });
  });

  it("drops a map that it emptied", async () => {
    await apply("configmaps", data({ x: "1" }));
    const { data: _, ...bare } = data({});
    expect((await apply("configmaps", bare)).object.data).toBeUndefined();
  });

  it("keeps what another owns too, and fields of others", async () => {
    await apply("configmaps", data({ x: "1" }));
    await apply("configmaps", data({ x: "1", z: "3" }), "bob");
    const { object } = await apply("configmaps", data({ y: "2" }));
    expect(object.data).toEqual({ x: "1", y: "2", z: "3" });
    expect(owners(object)).toEqual({
      "bob Apply": { "f:data": { "f:x": {}, "f:z": {} } },
      "alice Apply": { "f:data": { "f:y": {} } },
    });
  });

  it("refuses to change what another applied", async () => {
    await apply("configmaps", data({ x: "1" }));
    await expect(apply("configmaps", data({ x: "2" }), "bob")).rejects.toMatchObject({
      code: 409,
      message: 'Apply failed with 1 conflict: conflict with "alice": .data.x',
      details: { causes: [{ reason: "FieldManagerConflict", message: 'conflict with "alice"', field: ".data.x" }] },
    });
  });

  it("names the version of those who wrote without apply", async () => {
    await store.create("configmaps", configMap("a", { x: "1" }), { fieldManager: "kubectl-client-side-apply" });
    await expect(apply("configmaps", data({ x: "2" }))).rejects.toMatchObject({
      message: 'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using v1: .data.x',
    });
  });

  it("lists several conflicts by manager", async () => {
    await apply("configmaps", data({ x: "1", y: "1" }));
    await apply("configmaps", data({ z: "1" }), "bob");
    await expect(apply("configmaps", data({ x: "2", y: "2", z: "2" }), "carol")).rejects.toMatchObject({
      message:
        'Apply failed with 3 conflicts: conflicts with "alice":\n- .data.x\n- .data.y\nconflicts with "bob":\n- .data.z',
    });
  });

  it("takes fields over when forced", async () => {
    await apply("configmaps", data({ x: "1", y: "1" }));
    const { object } = await apply("configmaps", data({ x: "2" }), "bob", { force: true });
    expect(object.data).toEqual({ x: "2", y: "1" });
    expect(owners(object)).toEqual({
      "alice Apply": { "f:data": { "f:y": {} } },
      "bob Apply": { "f:data": { "f:x": {} } },
    });
  });

  it("needs a manager and a whole configuration", async () => {
    await expect(apply("configmaps", data({}), "")).rejects.toMatchObject({
      code: 422,
      message: 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    });
    await expect(apply("configmaps", { metadata: { name: "a" } })).rejects.toMatchObject({ code: 400 });
  });

  it("writes nothing on a dry run", async () => {
    await apply("configmaps", data({ x: "1" }), "alice", { dryRun: true });
    expect(store.get("configmaps", "default", "a")).toBeUndefined();
  });
});

const setData = (key: string) => (draft: ConfigMap) => {
  draft.data = { ...draft.data, [key]: "1" };
};

describe("ownership of other writes", () => {
  it("goes to whoever changes a field", async () => {
    await apply("configmaps", data({ x: "1", y: "1" }));
    await store.modify("configmaps", "default", "a", (draft) => void Object.assign(draft.data ?? {}, { x: "2" }), {
      fieldManager: "edit",
    });
    expect(owners(store.get("configmaps", "default", "a")!)).toEqual({
      "alice Apply": { "f:data": { "f:y": {} } },
      "edit Update": { "f:data": { "f:x": {} } },
    });
  });

  it("ends with the field", async () => {
    await apply("configmaps", data({ x: "1" }));
    await store.update("configmaps", configMap("a", {}), { fieldManager: "edit" });
    expect(owners(store.get("configmaps", "default", "a")!)).not.toHaveProperty("alice Apply");
  });

  it("is not more than a bounded number of updaters", async () => {
    await store.create("configmaps", configMap("a"), { fieldManager: "m" });
    for (let i = 0; i < 20; i++)
      await store.modify("configmaps", "default", "a", setData(`k${i}`), { fieldManager: `m${i}` });
    const managers = Object.keys(owners(store.get("configmaps", "default", "a")!));
    expect(managers).toHaveLength(11);
    expect(managers).toContain("ancient-changes Update");
  });

  it("is handed over when a client sends it", async () => {
    await store.create("configmaps", configMap("a", { x: "1" }), { fieldManager: "kubectl-client-side-apply" });
    const [entry] = store.get("configmaps", "default", "a")?.metadata.managedFields ?? [];
    const managedFields = [{ ...entry, manager: "kubectl", operation: "Apply" }];
    const patch = [{ op: "replace", path: "/metadata/managedFields", value: managedFields }];
    await store.patch(descriptor(store, "configmaps"), "default", "a", "json", patch, { fieldManager: "kubectl" });
    const { object } = await apply("configmaps", data({ y: "1" }), "kubectl");
    expect(object.data).toEqual({ y: "1" });
  });
});

describe("apply to keyed lists", () => {
  const deployment = (containers: ApiObject[], replicas?: number): ApiObject => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      ...(replicas !== undefined && { replicas }),
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers } },
    },
  });
  const names = (object: ApiObject) => object.spec.template.spec.containers.map(({ name }: ApiObject) => name);

  it("owns items by key and fields inside them", async () => {
    const { object } = await apply(
      "deployments.apps",
      deployment([{ name: "a", image: "a:1", ports: [{ containerPort: 80 }] }]),
    );
    expect(owners(object)["alice Apply"]).toMatchObject({
      "f:spec": {
        "f:selector": {},
        "f:template": {
          "f:spec": {
            "f:containers": {
              'k:{"name":"a"}': {
                ".": {},
                "f:name": {},
                "f:image": {},
                "f:ports": { 'k:{"containerPort":80,"protocol":"TCP"}': { ".": {}, "f:containerPort": {} } },
              },
            },
          },
        },
      },
    });
  });

  it("leaves defaults to nobody and keeps them", async () => {
    await apply("deployments.apps", deployment([{ name: "a", image: "a:1" }]));
    const { object } = await apply("deployments.apps", deployment([{ name: "a", image: "a:2" }]));
    expect(object.spec.template.spec.containers[0]).toMatchObject({ image: "a:2", imagePullPolicy: "IfNotPresent" });
    expect(object.spec.replicas).toBe(1);
  });

  it("takes away an item that it added, not one of another", async () => {
    await apply(
      "deployments.apps",
      deployment([
        { name: "a", image: "a:1" },
        { name: "b", image: "b:1" },
      ]),
    );
    await apply(
      "deployments.apps",
      deployment([
        { name: "a", image: "a:1" },
        { name: "c", image: "c:1" },
      ]),
      "bob",
    );
    const { object } = await apply("deployments.apps", deployment([{ name: "a", image: "a:1" }]));
    expect(names(object)).toEqual(["a", "c"]);
  });

  it("prints keys in the path of a conflict", async () => {
    await apply("deployments.apps", deployment([{ name: "a", image: "a:1" }]));
    await expect(apply("deployments.apps", deployment([{ name: "a", image: "a:2" }]), "bob")).rejects.toMatchObject({
      message: 'Apply failed with 1 conflict: conflict with "alice": .spec.template.spec.containers[name="a"].image',
    });
  });

  it("leaves the replicas to an autoscaler that took them", async () => {
    await apply("deployments.apps", deployment([{ name: "a", image: "a:1" }], 1));
    await store.modify(
      "deployments.apps",
      "default",
      "web",
      (draft) => void Object.assign(draft.spec ?? {}, { replicas: 5 }),
      {
        subresource: "scale",
        fieldManager: "horizontal-pod-autoscaler",
      },
    );
    const { object } = await apply("deployments.apps", deployment([{ name: "a", image: "a:1" }]));
    expect(object.spec.replicas).toBe(5);
  });
});
