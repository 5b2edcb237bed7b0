/**
 * The checks of the Pod Security Standards (Kubernetes pages "Pod Security Standards" and "Pod Security Admission"), in the order and words in
 * which Kubernetes reports them. Only what a pod of this cluster can say at all is checked; AppArmor, SELinux and Windows are not.
 */
import { items } from "../defaults/fill.ts";
import type { ApiObject } from "../types.ts";

export type Level = "privileged" | "baseline" | "restricted";

export interface Violation {
  readonly reason: string;
  readonly detail: string;
}

interface Check {
  readonly reason: string;
  /** What is wrong; empty for a pod that passes. */
  readonly find: (spec: ApiObject) => readonly string[];
}

const containersOf = (spec: ApiObject): ApiObject[] => [
  ...items(spec.initContainers),
  ...items(spec.containers),
  ...items(spec.ephemeralContainers),
];

const quoted = (names: readonly unknown[]): string => names.map((name) => JSON.stringify(name)).join(", ");
const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)].sort();
const plural = (count: number, one: string, many = `${one}s`) => (count === 1 ? one : many);

/** `container "a" SAYS`, `containers "a", "b" SAYS`; nothing for none. */
function containersThat(spec: ApiObject, test: (container: ApiObject) => boolean, says: string, before = ""): string[] {
  const names = containersOf(spec)
    .filter(test)
    .map(({ name }) => name);
  return names.length === 0 ? [] : [`${before}${plural(names.length, "container")} ${quoted(names)} ${says}`];
}

const security = ({ securityContext }: ApiObject): ApiObject => securityContext ?? {};
const added = (container: ApiObject): string[] => security(container).capabilities?.add ?? [];

const usual = new Set(
  "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT".split(
    " ",
  ),
);

function refusedCapabilities(spec: ApiObject, allows: (name: string) => boolean): string[] {
  const refused = (container: ApiObject) => added(container).filter((name) => !allows(name));
  const names = distinct(containersOf(spec).flatMap(refused));
  const says = `must not include ${quoted(names)} in securityContext.capabilities.add`;
  return containersThat(spec, (container) => refused(container).length > 0, says);
}

function hostNamespaces(spec: ApiObject): string[] {
  const used = ["hostNetwork", "hostPID", "hostIPC"].filter((field) => spec[field] === true);
  return used.length > 0 ? [used.map((field) => `${field}=true`).join(", ")] : [];
}

function hostPathVolumes(spec: ApiObject): string[] {
  const names = items(spec.volumes).filter(({ hostPath }) => hostPath);
  return names.length > 0 ? [`${plural(names.length, "volume")} ${quoted(names.map(({ name }) => name))}`] : [];
}

function hostPorts(spec: ApiObject): string[] {
  const portsOf = (container: ApiObject) => items(container.ports).flatMap(({ hostPort }) => hostPort || []);
  const ports = distinct(containersOf(spec).flatMap(portsOf));
  const count = containersOf(spec).filter((container) => portsOf(container).length > 0).length;
  const says = `${plural(count, "uses", "use")} ${plural(ports.length, "hostPort")} ${ports.join(", ")}`;
  return containersThat(spec, (container) => portsOf(container).length > 0, says);
}

const freeVolumes =
  "name configMap csi downwardAPI emptyDir ephemeral persistentVolumeClaim projected secret image".split(" ");

function restrictedVolumes(spec: ApiObject): string[] {
  const bad = items(spec.volumes).flatMap((volume) => {
    const type = Object.keys(volume).find((key) => !freeVolumes.includes(key));
    return type ? [{ name: volume.name, type }] : [];
  });
  if (bad.length === 0) return [];
  const types = distinct(bad.map(({ type }) => type));
  const names = quoted(bad.map(({ name }) => name));
  return [
    `${plural(bad.length, "volume")} ${names} ${plural(bad.length, "uses", "use")} restricted volume ${plural(types.length, "type")} ${quoted(types)}`,
  ];
}

function runAsNonRoot(spec: ApiObject): string[] {
  const ofPod = security(spec).runAsNonRoot;
  const explicit = containersThat(
    spec,
    (container) => security(container).runAsNonRoot === false,
    "must not set securityContext.runAsNonRoot=false",
  );
  const unset = (container: ApiObject) => security(container).runAsNonRoot === undefined && ofPod !== true;
  if (ofPod === false && containersOf(spec).some(unset))
    return ["pod must not set securityContext.runAsNonRoot=false", ...explicit];
  if (explicit.length > 0) return explicit;
  return containersThat(spec, unset, "must set securityContext.runAsNonRoot=true", "pod or ");
}

const runAsUser = (spec: ApiObject): string[] => [
  ...(security(spec).runAsUser === 0 ? ["pod must not set runAsUser=0"] : []),
  ...containersThat(spec, (container) => security(container).runAsUser === 0, "must not set runAsUser=0"),
];

const seccompOf = (part: ApiObject): string | undefined => security(part).seccompProfile?.type;

const unconfined = (spec: ApiObject): string[] => {
  const says = 'must not set securityContext.seccompProfile.type to "Unconfined"';
  return [
    ...(seccompOf(spec) === "Unconfined" ? [`pod ${says}`] : []),
    ...containersThat(spec, (container) => seccompOf(container) === "Unconfined", says),
  ];
};

function seccompRestricted(spec: ApiObject): string[] {
  const explicit = unconfined(spec);
  if (explicit.length > 0) return explicit;
  const says = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"';
  return containersThat(spec, (container) => !seccompOf(container) && !seccompOf(spec), says, "pod or ");
}

const capabilitiesRestricted = (spec: ApiObject): string[] => [
  ...containersThat(
    spec,
    (container) => !(security(container).capabilities?.drop ?? []).includes("ALL"),
    'must set securityContext.capabilities.drop=["ALL"]',
  ),
  ...refusedCapabilities(spec, (name) => name === "NET_BIND_SERVICE"),
];

const always: readonly Check[] = [
  { reason: "host namespaces", find: hostNamespaces },
  { reason: "hostPort", find: hostPorts },
  {
    reason: "privileged",
    find: (spec) =>
      containersThat(
        spec,
        (each) => security(each).privileged === true,
        "must not set securityContext.privileged=true",
      ),
  },
];

/** A stricter check of the same thing takes the place of the lesser one. */
const checks: Readonly<Record<Level, readonly Check[]>> = {
  privileged: [],
  baseline: [
    { reason: "non-default capabilities", find: (spec) => refusedCapabilities(spec, (name) => usual.has(name)) },
    always[0] as Check,
    { reason: "hostPath volumes", find: hostPathVolumes },
    ...always.slice(1),
    { reason: "seccompProfile", find: unconfined },
  ],
  restricted: [
    ...always,
    {
      reason: "allowPrivilegeEscalation != false",
      find: (spec) =>
        containersThat(
          spec,
          (each) => security(each).allowPrivilegeEscalation !== false,
          "must set securityContext.allowPrivilegeEscalation=false",
        ),
    },
    { reason: "unrestricted capabilities", find: capabilitiesRestricted },
    { reason: "restricted volume types", find: restrictedVolumes },
    { reason: "runAsNonRoot != true", find: runAsNonRoot },
    { reason: "runAsUser=0", find: runAsUser },
    { reason: "seccompProfile", find: seccompRestricted },
  ],
};

export const violationsOf = (spec: ApiObject, level: Level): Violation[] =>
  checks[level].flatMap(({ reason, find }) => {
    const found = find(spec);
    return found.length > 0 ? [{ reason, detail: found.join("; ") }] : [];
  });
