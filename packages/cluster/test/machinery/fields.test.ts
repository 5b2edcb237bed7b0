import { describe, expect, it } from "vitest";
import { openModels } from "../../src/apiserver/discovery/models.ts";
import { schemasOfModels } from "../../src/machinery/fields/models.ts";
import { openStore } from "../../src/machinery/open-store.ts";
import type { RequestOptions } from "../../src/machinery/store.ts";
import type { ApiObject } from "../../src/machinery/types.ts";
import { descriptor, manualClock, plan } from "./support.ts";

const schemas = schemasOfModels(openModels());
const open = () => openStore({ plan, clock: manualClock().clock, schemas });

async function post(
  spec: ApiObject,
  fieldValidation: NonNullable<RequestOptions["fieldValidation"]>,
  more: ApiObject = {},
) {
  const store = await open();
  const body = { metadata: { name: "x" }, spec, ...more };
  return store.post(descriptor(store, "deployments.apps"), "default", body, { fieldValidation });
}

const spec = (container: ApiObject = {}, more: ApiObject = {}): ApiObject => ({
  selector: { matchLabels: { app: "x" } },
  template: { metadata: { labels: { app: "x" } }, spec: { containers: [{ name: "a", image: "a", ...container }] } },
  ...more,
});

describe("field validation", () => {
  it("refuses unknown fields when strict", async () => {
    await expect(post(spec({ imagge: "b" }, { replica: 2 }), "Strict")).rejects.toMatchObject({
      code: 400,
      message:
        'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.template.spec.containers[0].imagge", unknown field "spec.replica"',
    });
  });

  it("warns of them and drops them otherwise", async () => {
    const warned = await post(spec({}, { replica: 2 }), "Warn");
    expect(warned.warnings).toEqual(['unknown field "spec.replica"']);
    expect(warned.object.spec).not.toHaveProperty("replica");
    expect((await post(spec({}, { replica: 2 }), "Ignore")).warnings).toEqual([]);
  });

  it.each([
    [
      spec({}, { replicas: "two" }),
      "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
    ],
    [
      spec({ env: [{ name: "A", value: 1 }] }),
      "json: cannot unmarshal number into Go struct field EnvVar.spec.template.spec.containers.env.value of type string",
    ],
    [
      spec({ command: "run" }),
      "json: cannot unmarshal string into Go struct field Container.spec.template.spec.containers.command of type []string",
    ],
  ])("refuses a value of a wrong type", async (wrong, message) => {
    await expect(post(wrong, "Ignore")).rejects.toMatchObject({
      code: 400,
      message: `Deployment in version "v1" cannot be handled as a Deployment: ${message}`,
    });
  });

  it.each([
    ["strategic", { spec: { replica: 2 } }, "map[spec:map[replica:2]]"],
    ["merge", { spec: { replica: 2 } }, '{\\"apiVersion\\":\\"apps/v1\\"'],
  ] as const)("quotes a %s patch", async (type, patch, quote) => {
    const store = await open();
    const deployments = descriptor(store, "deployments.apps");
    await store.post(deployments, "default", { metadata: { name: "x" }, spec: spec() }, {});
    const patching = store.patch(deployments, "default", "x", type, patch, { fieldValidation: "Strict" });
    await expect(patching).rejects.toMatchObject({
      code: 422,
      message: expect.stringContaining(`patch: Invalid value: "${quote}`),
    });
    await expect(patching).rejects.toThrow('strict decoding error: unknown field "spec.replica"');
  });

  it("takes quantities that are numbers", async () => {
    const { object } = await post(spec({ resources: { limits: { cpu: 1.5 } } }), "Strict");
    expect(object.spec.template.spec.containers[0].resources.limits).toEqual({ cpu: "1500m" });
  });

  // Faults are ours, and judge their parameters themselves.
  it("knows every kind of Kubernetes", async () => {
    const store = await open();
    const kinds = store.descriptors().filter(({ group }) => !group.endsWith("coracle.dev"));
    const unknown = kinds.filter((resource) => schemas.schemaOf(resource)?.type !== "struct");
    expect(unknown).toEqual([]);
  });
});
