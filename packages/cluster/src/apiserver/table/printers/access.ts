import type { CertificateSigningRequest } from "kubernetes-types/certificates/v1.js";
import type { ClusterRole, RoleBinding, Subject } from "kubernetes-types/rbac/v1.js";
import { ageColumn, column, createdColumn, nameColumn, none, printer, wide } from "../columns.ts";
import { humanDuration } from "../duration.ts";

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

/** What became of a request: what was decided, then whether a certificate was made. */
function requestStatus({ status }: CertificateSigningRequest): string {
  const has = (condition: string) => status?.conditions?.some(({ type }) => type === condition);
  const decision = has("Denied") ? "Denied" : has("Approved") ? "Approved" : "Pending";
  return [decision, ...(has("Failed") ? ["Failed"] : []), ...(status?.certificate ? ["Issued"] : [])].join(",");
}

const requestedDuration = (spec: object): string => {
  const { expirationSeconds } = spec as { expirationSeconds?: number };
  return expirationSeconds === undefined ? none : humanDuration(expirationSeconds * 1000);
};

export const accessPrinters = {
  "certificatesigningrequests.certificates.k8s.io": printer<CertificateSigningRequest>(
    nameColumn,
    ageColumn,
    column("SignerName", ({ spec }) => spec.signerName || none),
    column("Requestor", ({ spec }) => spec.username ?? ""),
    column("RequestedDuration", ({ spec }) => requestedDuration(spec)),
    column("Condition", requestStatus),
  ),
  "roles.rbac.authorization.k8s.io": role,
  "clusterroles.rbac.authorization.k8s.io": role,
  "rolebindings.rbac.authorization.k8s.io": binding,
  "clusterrolebindings.rbac.authorization.k8s.io": binding,
};
