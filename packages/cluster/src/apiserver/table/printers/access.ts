import type { ClusterRole, RoleBinding, Subject } from "kubernetes-types/rbac/v1.js";
import { ageColumn, column, createdColumn, nameColumn, printer, wide } from "../columns.ts";

const subjects = (binding: RoleBinding, kind: string): string =>
  (binding.subjects ?? [])
    .filter((subject) => subject.kind === kind)
    .map(nameOf)
    .join(", ");

const nameOf = ({ kind, name, namespace }: Subject): string =>
  kind === "ServiceAccount" ? `${namespace}/${name}` : name;

const role = printer<ClusterRole>(nameColumn, createdColumn);
const binding = printer<RoleBinding>(
  nameColumn,
  column("Role", ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`),
  ageColumn,
  wide("Users", (object) => subjects(object, "User")),
  wide("Groups", (object) => subjects(object, "Group")),
  wide("ServiceAccounts", (object) => subjects(object, "ServiceAccount")),
);

export const accessPrinters = {
  "roles.rbac.authorization.k8s.io": role,
  "clusterroles.rbac.authorization.k8s.io": role,
  "rolebindings.rbac.authorization.k8s.io": binding,
  "clusterrolebindings.rbac.authorization.k8s.io": binding,
};
