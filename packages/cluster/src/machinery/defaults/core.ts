/** Defaults of the smaller kinds. */
import type { ApiObject } from "../types.ts";
import { canonicalQuantities, fill, items } from "./fill.ts";

export function defaultSecret(secret: ApiObject): void {
  fill(secret, { type: "Opaque" });
  if (!secret.stringData) return;
  secret.data ??= {};
  for (const [key, text] of Object.entries(secret.stringData))
    secret.data[key] = Buffer.from(String(text)).toString("base64");
  delete secret.stringData;
}

export function defaultNode({ status }: ApiObject): void {
  if (!status?.capacity) return;
  fill(status, { allocatable: { ...status.capacity } });
  canonicalQuantities(status.capacity);
  canonicalQuantities(status.allocatable);
}

const rbacGroup = "rbac.authorization.k8s.io";

export function defaultBinding(binding: ApiObject): void {
  if (binding.roleRef) fill(binding.roleRef, { apiGroup: rbacGroup });
  for (const subject of items(binding.subjects))
    if (subject.kind === "User" || subject.kind === "Group") fill(subject, { apiGroup: rbacGroup });
}

export function defaultCustomResourceDefinition({ spec }: ApiObject): void {
  if (!spec?.names?.kind) return;
  fill(spec, { conversion: { strategy: "None" } });
  fill(spec.names, { singular: String(spec.names.kind).toLowerCase(), listKind: `${spec.names.kind}List` });
}
