import type { Service } from "kubernetes-types/core/v1.js";
import { beforeEach, describe, expect, it } from "vitest";
import type { ApiStore } from "../../src/machinery/store.ts";
import type { ApiObject } from "../../src/machinery/types.ts";
import { openTestStore } from "./support.ts";

let store: ApiStore;
beforeEach(async () => {
  store = await openTestStore();
});

const of = (fields: ApiObject): ApiObject => ({ metadata: { name: "x", namespace: "default" }, ...fields });
const withSpec = (spec: ApiObject) => of({ spec });
const container = { name: "c", image: "busybox" };
const podOf = (spec: ApiObject, fields: ApiObject = {}) =>
  withSpec({ containers: [{ ...container, ...fields }], ...spec });
const cron = (spec: ApiObject) =>
  withSpec({
    schedule: "* * * * *",
    jobTemplate: { spec: { template: { spec: { restartPolicy: "Never", containers: [container] } } } },
    ...spec,
  });
const deployment = (spec: ApiObject) =>
  withSpec({
    selector: { matchLabels: { app: "x" } },
    template: { metadata: { labels: { app: "x" } }, spec: { containers: [container] } },
    ...spec,
  });
const backend = { service: { name: "s", port: { number: 80 } } };
const ingress = (host: string, path = "/") =>
  withSpec({ rules: [{ host, http: { paths: [{ path, pathType: "Prefix", backend }] } }] });
const policy = (peer: ApiObject) => withSpec({ podSelector: {}, ingress: [{ from: [peer] }] });
const autoscaler = (spec: ApiObject) =>
  withSpec({ scaleTargetRef: { kind: "Deployment", name: "d", apiVersion: "apps/v1" }, maxReplicas: 2, ...spec });
const role = (rule: ApiObject) => of({ rules: [rule] });

/** From the rules of Kubernetes' own validation: the field, what is told of it, and how it came about. */
const rows: readonly (readonly [resource: string, object: ApiObject, told: string])[] = [
  [
    "cronjobs.batch",
    cron({ schedule: "60 * * * *" }),
    'spec.schedule: Invalid value: "60 * * * *": end of range (60) above maximum (59): 60',
  ],
  ["cronjobs.batch", cron({ schedule: "* * 0 * *" }), "beginning of range (0) below minimum (1): 0"],
  ["cronjobs.batch", cron({ schedule: "* * * * 5-2" }), "beginning of range (5) beyond end of range (2): 5-2"],
  ["cronjobs.batch", cron({ schedule: "*/0 * * * *" }), "step of range should be a positive number: */0"],
  [
    "cronjobs.batch",
    cron({ schedule: "a * * * *" }),
    'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax',
  ],
  ["cronjobs.batch", cron({ schedule: "@often" }), "unrecognized descriptor: @often"],
  [
    "cronjobs.batch",
    cron({ timeZone: "Mars/Olympus" }),
    'spec.timeZone: Invalid value: "Mars/Olympus": unknown time zone Mars/Olympus',
  ],
  ["cronjobs.batch", cron({ timeZone: "Local" }), "timeZone must be an explicit time zone"],
  [
    "persistentvolumeclaims",
    withSpec({ accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "0" } } }),
    'spec.resources[storage]: Invalid value: "0": must be greater than zero',
  ],
  [
    "roles.rbac.authorization.k8s.io",
    role({ apiGroups: [""], resources: ["pods"], verbs: [] }),
    "rules[0].verbs: Required value: verbs must contain at least one value",
  ],
  [
    "roles.rbac.authorization.k8s.io",
    role({ apiGroups: [""], resources: [], verbs: ["get"] }),
    "rules[0].resources: Required value: resource rules must supply at least one resource",
  ],
  [
    "roles.rbac.authorization.k8s.io",
    role({ nonResourceURLs: ["/x"], verbs: ["get"] }),
    "namespaced rules cannot apply to non-resource URLs",
  ],
  [
    "clusterrolebindings.rbac.authorization.k8s.io",
    of({ roleRef: { kind: "Role", name: "r" } }),
    'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
  ],
  [
    "ingresses.networking.k8s.io",
    ingress("Bad_Host"),
    'spec.rules[0].host: Invalid value: "Bad_Host": a lowercase RFC 1123 subdomain',
  ],
  ["ingresses.networking.k8s.io", ingress("10.0.0.1"), "must be a DNS name, not an IP address"],
  ["ingresses.networking.k8s.io", ingress("a.*.com"), "a wildcard DNS-1123 subdomain must start with '*.'"],
  ["ingresses.networking.k8s.io", ingress("a.com", "/a//b"), "must not contain '//'"],
  [
    "networkpolicies.networking.k8s.io",
    policy({ ipBlock: { cidr: "10.0.0.0" } }),
    "spec.ingress[0].from[0].ipBlock.cidr: Invalid value",
  ],
  [
    "networkpolicies.networking.k8s.io",
    policy({ ipBlock: { cidr: "10.0.0.0/24", except: ["10.1.0.0/28"] } }),
    "must be a strict subset of `cidr`",
  ],
  ["networkpolicies.networking.k8s.io", policy({}), "spec.ingress[0].from[0]: Required value: must specify a peer"],
  [
    "networkpolicies.networking.k8s.io",
    withSpec({ podSelector: { matchExpressions: [{ key: "a", operator: "Is" }] } }),
    "not a valid selector operator",
  ],
  ["services", withSpec({ ports: [{ port: 1 }], externalIPs: ["here"] }), "spec.externalIPs[0]: Invalid value"],
  ["services", withSpec({ type: "ExternalName", externalName: "a_b" }), "spec.externalName: Invalid value"],
  ["services", withSpec({ ports: [{ port: 1 }], selector: { a: "b c" } }), "spec.selector: Invalid value"],
  ["configmaps", of({ data: { a: "1" }, binaryData: { a: "" } }), "duplicate of key present in binaryData"],
  [
    "secrets",
    of({ type: "kubernetes.io/service-account-token" }),
    "metadata.annotations[kubernetes.io/service-account.name]: Required value",
  ],
  [
    "secrets",
    of({ type: "kubernetes.io/dockerconfigjson", data: { ".dockerconfigjson": "eA==" } }),
    '"<secret contents redacted>": invalid character',
  ],
  [
    "deployments.apps",
    deployment({ strategy: { rollingUpdate: { maxUnavailable: "101%" } } }),
    "must not be greater than 100%",
  ],
  [
    "deployments.apps",
    deployment({ progressDeadlineSeconds: 5, minReadySeconds: 9 }),
    "must be greater than minReadySeconds",
  ],
  [
    "deployments.apps",
    deployment({ selector: { matchExpressions: [{ key: "app", operator: "In" }] } }),
    "must be specified when `operator` is 'In' or 'NotIn'",
  ],
  [
    "statefulsets.apps",
    deployment({ ordinals: { start: -1 } }),
    "spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0",
  ],
  [
    "jobs.batch",
    withSpec({
      completionMode: "Indexed",
      parallelism: 1,
      template: { spec: { restartPolicy: "Never", containers: [container] } },
    }),
    "spec.completions: Required value: when completion mode is Indexed",
  ],
  [
    "horizontalpodautoscalers.autoscaling",
    autoscaler({ metrics: [{ type: "Resource" }] }),
    "spec.metrics[0].resource: Required value: must populate information for the given metric source",
  ],
  [
    "horizontalpodautoscalers.autoscaling",
    autoscaler({
      metrics: [
        { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 0 } } },
      ],
    }),
    "averageUtilization: Invalid value: 0: must be greater than 0",
  ],
  [
    "horizontalpodautoscalers.autoscaling",
    autoscaler({ behavior: { scaleDown: { stabilizationWindowSeconds: 4000 } } }),
    "must be less than or equal to 3600",
  ],
  ["poddisruptionbudgets.policy", withSpec({ minAvailable: "150%" }), "must not be greater than 100%"],
  ["pods", podOf({ hostname: "a.b" }), "spec.hostname: Invalid value"],
  ["pods", podOf({ nodeSelector: { a: "b c" } }), "spec.nodeSelector: Invalid value"],
  ["pods", podOf({ dnsPolicy: "None" }), "must provide at least one DNS nameserver when `dnsPolicy` is None"],
  ["pods", podOf({ securityContext: { runAsUser: -1 } }), "must be between 0 and 2147483647, inclusive"],
  [
    "pods",
    podOf({ topologySpreadConstraints: [{ maxSkew: 0, topologyKey: "a", whenUnsatisfiable: "DoNotSchedule" }] }),
    "maxSkew: Invalid value: 0: must be greater than zero",
  ],
  [
    "pods",
    podOf({ affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{}] } } }),
    "topologyKey: Required value: can not be empty",
  ],
  ["pods", podOf({}, { envFrom: [{}] }), "must specify one of: `configMapRef` or `secretRef`"],
  ["pods", podOf({}, { resources: { limits: { gold: "1" } } }), "must be a standard resource type or fully qualified"],
  [
    "pods",
    podOf({}, { securityContext: { privileged: true, allowPrivilegeEscalation: false } }),
    "cannot set `allowPrivilegeEscalation` to false and `privileged` to true",
  ],
  [
    "pods",
    podOf({ volumes: [{ name: "v", configMap: { name: "m", defaultMode: 1000 } }] }),
    "must be a number between 0 and 0777 (octal), both inclusive",
  ],
  [
    "pods",
    podOf({ runtimeClassName: "gvisor" }),
    'pods "x" is forbidden: pod rejected: RuntimeClass "gvisor" not found',
  ],
  [
    "validatingwebhookconfigurations.admissionregistration.k8s.io",
    of({
      webhooks: [
        { name: "a.b.c", clientConfig: { url: "http://x" }, admissionReviewVersions: ["v1"], sideEffects: "None" },
      ],
    }),
    "'https' is the only allowed URL scheme",
  ],
  [
    "flowschemas.flowcontrol.apiserver.k8s.io",
    withSpec({ matchingPrecedence: 0 }),
    "must be a positive value less than or equal to 10000",
  ],
  ["volumeattachments.storage.k8s.io", withSpec({ attacher: "a" }), "spec.nodeName: Required value"],
];

describe("Kubernetes' rules", () => {
  it.each(rows.map((row) => [`${row[0]}: ${row[2]}`, row] as const))("%s", async (_, [resource, object, told]) => {
    await expect(store.create(resource, object)).rejects.toThrow(told);
  });

  it.each(["*/5 0-6,22 1 jan-MAR mon", "@every 1h30m", "@daily", "0 0 ? * 6"])(
    "take the schedule %s",
    async (schedule) => {
      await store.create("cronjobs.batch", cron({ schedule, timeZone: "Europe/Zurich" }) as never);
    },
  );
});

describe("a quota", () => {
  it("counts what a change adds, and no more", async () => {
    await store.create("resourcequotas", withSpec({ hard: { "services.nodeports": "1", "requests.storage": "2Gi" } }));
    const service = await store.create(
      "services",
      withSpec({ type: "NodePort", ports: [{ port: 1, name: "a" }] }) as Service,
    );
    await store.modify("services", "default", "x", (draft) => {
      draft.metadata!.labels = { a: "b" };
    });
    const ports = [...structuredClone(service.spec?.ports ?? []), { port: 2, name: "b" }];
    const grown = store.modify("services", "default", "x", (draft) => {
      draft.spec!.ports = ports;
    });
    await expect(grown).rejects.toThrow(
      'services "x" is forbidden: exceeded quota: x, requested: services.nodeports=1, used: services.nodeports=1, limited: services.nodeports=1',
    );
  });
});
