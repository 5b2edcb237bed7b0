import { expect, test } from "vitest";
import { podIdentity } from "../src/identity.ts";

test("comes from what the manifest injects", () => {
  const env = { POD_NAME: "kvstore-2", POD_IP: "10.0.0.1", NAMESPACE: "kv", KUBERNETES_SERVICE_HOST: "x" };
  expect(podIdentity(env)).toMatchObject({
    name: "kvstore-2",
    namespace: "kv",
    ip: "10.0.0.1",
    ordinal: 2,
    set: "kvstore",
    inKubernetes: true,
  });
  expect(podIdentity({ ...env, POD_NAMESPACE: "other" }).namespace).toBe("other");
});

test("is sensible outside of Kubernetes, and new for every process", () => {
  const here = podIdentity({ HOSTNAME: "laptop" });
  expect(here).toMatchObject({ name: "laptop", namespace: "default", ordinal: undefined, inKubernetes: false });
  expect(podIdentity({}).incarnation).not.toBe(here.incarnation);
});
