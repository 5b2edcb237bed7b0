import type { StatefulSet } from "kubernetes-types/apps/v1.js";
import type { Pod, PodSpec, Service } from "kubernetes-types/core/v1.js";

export const container = (extra: object = {}) => ({ name: "app", image: "app:1", ...extra });

export const podSpec = (extra: Partial<PodSpec> = {}): PodSpec => ({
  containers: [container()],
  terminationGracePeriodSeconds: 30,
  ...extra,
});

export const pod = (name: string, extra: { labels?: Record<string, string>; spec?: Partial<PodSpec> } = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default", ...(extra.labels && { labels: extra.labels }) },
  spec: podSpec(extra.spec),
});

export const template = (spec: Partial<PodSpec> = {}, labels: Record<string, string> = { app: "web" }) => ({
  metadata: { labels },
  spec: podSpec(spec),
});

export const statefulSet = (name: string, extra: Partial<NonNullable<StatefulSet["spec"]>> = {}): StatefulSet => ({
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name, namespace: "default" },
  spec: {
    replicas: 3,
    serviceName: name,
    selector: { matchLabels: { app: "web" } },
    template: template(),
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
    podManagementPolicy: "OrderedReady",
    ...extra,
  },
});

export const claimTemplate = (name: string) => ({
  metadata: { name },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
});

export const service = (name: string, spec: NonNullable<Service["spec"]>): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "default" },
  spec,
});
