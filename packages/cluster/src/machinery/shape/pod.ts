/** Shapes of pods and of what holds a pod template. */
import { atomic, granular, listBy, mergedBy, type Shape, setOfValues } from "./shape.ts";

const environment = listBy(["name"], {
  fields: {
    valueFrom: {
      fields: {
        configMapKeyRef: atomic,
        secretKeyRef: atomic,
        fieldRef: atomic,
        resourceFieldRef: atomic,
        fileKeyRef: atomic,
      },
    },
  },
});

const container: Shape = {
  fields: {
    env: environment,
    ports: listBy(["containerPort", "protocol"]),
    volumeMounts: listBy(["mountPath"]),
    volumeDevices: listBy(["devicePath"]),
    resources: { fields: { claims: listBy(["name"]) } },
  },
};

const containers = listBy(["name"], container);

const selectorRef: Shape = { fields: { secretRef: atomic, nodePublishSecretRef: atomic } };

const volume: Shape = {
  fields: {
    csi: selectorRef,
    flexVolume: selectorRef,
    iscsi: selectorRef,
    cephfs: selectorRef,
    rbd: selectorRef,
    scaleIO: selectorRef,
  },
};

const nodeAffinity: Shape = { fields: { requiredDuringSchedulingIgnoredDuringExecution: atomic } };

export const podSpec: Shape = {
  fields: {
    containers,
    initContainers: containers,
    ephemeralContainers: containers,
    volumes: listBy(["name"], volume),
    imagePullSecrets: listBy(["name"], atomic),
    hostAliases: listBy(["ip"]),
    topologySpreadConstraints: listBy(["topologyKey", "whenUnsatisfiable"], { fields: { labelSelector: atomic } }),
    nodeSelector: atomic,
    schedulingGates: listBy(["name"]),
    resourceClaims: listBy(["name"]),
    affinity: { fields: { nodeAffinity } },
  },
};

export const ownerReferences = listBy(["uid"], atomic);

export const metadata: Shape = { fields: { finalizers: setOfValues, ownerReferences } };

export const podTemplate: Shape = { fields: { metadata, spec: podSpec } };

export const conditions = listBy(["type"]);

/** A status with nothing of note but its conditions. */
export const statusWithConditions: Shape = { fields: { conditions } };

const ips = listBy(["ip"]);

export const podStatus: Shape = {
  fields: {
    conditions,
    podIPs: ips,
    hostIPs: mergedBy("ip"),
    resourceClaimStatuses: listBy(["name"]),
    resize: granular,
  },
};
