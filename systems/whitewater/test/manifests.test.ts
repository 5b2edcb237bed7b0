/** The three variants keep the guide's names, and differ only in how pods find each other. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { parseAllDocuments } from "yaml";

// biome-ignore lint/suspicious/noExplicitAny: manifests are looked at from outside, as YAML.
type Manifest = any;

const VARIANTS = ["dns-srv", "kubernetes-api", "init-container"] as const;
type Variant = (typeof VARIANTS)[number];

const parse = (path: string): Manifest[] =>
  parseAllDocuments(readFileSync(path, "utf8"))
    .map((document) => document.toJS())
    .filter(Boolean);
const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const ours = (variant: Variant): Manifest[] =>
  readdirSync(at(`../k8s/${variant}`)).flatMap((name) => parse(at(`../k8s/${variant}/${name}`)));
const guides = (variant: Variant): Manifest[] => parse(at(`data/seed/${variant}.yaml`));
const find = (objects: readonly Manifest[], kind: string, name: string): Manifest =>
  objects.find((object) => object.kind === kind && object.metadata.name === name);

it.each(VARIANTS)("%s has every object of the guide, with its environment, labels, ports and rules", (variant) => {
  const objects = ours(variant);
  for (const wanted of guides(variant)) {
    const found = find(objects, wanted.kind, wanted.metadata.name);
    expect(found, `${wanted.kind} ${wanted.metadata.name}`).toBeDefined();
    expect(found.metadata.namespace).toBe("default");
    if (wanted.kind !== "StatefulSet") {
      expect(found).toMatchObject({ ...wanted, metadata: {} });
      continue;
    }
    expect(found.spec).toMatchObject({
      replicas: 5,
      serviceName: wanted.spec.serviceName,
      selector: wanted.spec.selector,
    });
    const [container, wantedContainer] = [found, wanted].map((set) => set.spec.template.spec.containers[0]);
    expect(container).toMatchObject({
      name: wantedContainer.name,
      image: wantedContainer.image,
      imagePullPolicy: "Never",
    });
    expect(container.env).toEqual(expect.arrayContaining(wantedContainer.env));
    expect(container.ports).toEqual(expect.arrayContaining(wantedContainer.ports));
    expect(found.spec.template.metadata.labels).toEqual(wanted.spec.template.metadata.labels);
    expect(found.spec.template.spec.serviceAccountName).toBe(wanted.spec.template.spec.serviceAccountName);
    const inits = (set: Manifest) => (set.spec.template.spec.initContainers ?? []).map(({ name }: Manifest) => name);
    expect(inits(found)).toEqual(inits(wanted));
  }
});

/** Without what the guide has each option do its own way. */
function common(variant: Variant): Manifest[] {
  return ours(variant)
    .filter(({ kind }) => !["ServiceAccount", "Role", "RoleBinding"].includes(kind))
    .map((object) => {
      if (object.kind === "NetworkPolicy") object.spec.egress = object.spec.egress.slice(0, 2);
      if (object.kind !== "StatefulSet") return object;
      const pod = object.spec.template.spec;
      const [container] = pod.containers;
      container.env = container.env.filter(({ name }: Manifest) => ["DATA_DIR", "QUOTA_MIB"].includes(name));
      container.volumeMounts = container.volumeMounts.filter(({ name }: Manifest) => name !== "config");
      pod.volumes = pod.volumes.filter(({ name }: Manifest) => name !== "config");
      for (const key of ["serviceAccountName", "automountServiceAccountToken", "initContainers"]) delete pod[key];
      return object;
    });
}

it("differ in nothing else", () => {
  expect(common("kubernetes-api")).toEqual(common("dns-srv"));
  expect(common("init-container")).toEqual(common("dns-srv"));
});

it.each(VARIANTS)("%s is as safe as a cluster may ask for", (variant) => {
  const { spec } = find(ours(variant), "StatefulSet", "whitewater");
  const pod = spec.template.spec;
  expect(spec.podManagementPolicy).toBe("Parallel");
  expect(pod.securityContext.runAsNonRoot).toBe(true);
  for (const container of [...pod.containers, ...(pod.initContainers ?? [])]) {
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    expect(container.resources.limits.memory).toBeDefined();
  }
  expect(Object.keys(pod.containers[0])).toEqual(
    expect.arrayContaining(["startupProbe", "livenessProbe", "readinessProbe"]),
  );
  expect(find(ours(variant), "Service", "whitewater-headless").spec.publishNotReadyAddresses).toBe(true);
});
