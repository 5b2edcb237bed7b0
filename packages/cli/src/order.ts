/** The order in which kinds are applied, so that nothing is created before what it refers to. Unknown kinds come last. */
const order = [
  "Namespace",
  "CustomResourceDefinition",
  "StorageClass",
  "IngressClass",
  "ServiceAccount",
  "ClusterRole",
  "Role",
  "ClusterRoleBinding",
  "RoleBinding",
  "Secret",
  "ConfigMap",
  "PersistentVolume",
  "PersistentVolumeClaim",
  "NetworkPolicy",
  "PodDisruptionBudget",
  "Service",
  "DaemonSet",
  "StatefulSet",
  "Deployment",
  "Pod",
  "HorizontalPodAutoscaler",
  "Job",
  "CronJob",
  "Ingress",
];

const rank = (kind: string | undefined): number => {
  const position = order.indexOf(kind ?? "");
  return position === -1 ? order.length : position;
};

/** A stable sort: objects of one kind keep the order of their files. */
export const inApplyOrder = <T extends { readonly kind?: string }>(objects: readonly T[]): T[] =>
  [...objects].sort((a, b) => rank(a.kind) - rank(b.kind));
