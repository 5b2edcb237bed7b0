import type { Lease } from "kubernetes-types/coordination/v1.js";
import type { ConfigMap, ResourceQuota, Secret, ServiceAccount } from "kubernetes-types/core/v1.js";
import { ageColumn, column, count, nameColumn, printer } from "../columns.ts";

const sizeOf = (values: object | undefined): number => Object.keys(values ?? {}).length;

/** `name: used/hard` of the limits, or of all others. */
function quotaLine({ status }: ResourceQuota, wantsLimits: boolean): string {
  return Object.keys(status?.hard ?? {})
    .filter((name) => name.startsWith("limits.") === wantsLimits)
    .sort()
    .map((name) => `${name}: ${status?.used?.[name] ?? "0"}/${status?.hard?.[name]}`)
    .join(", ");
}

export const configPrinters = {
  configmaps: printer<ConfigMap>(
    nameColumn,
    count("Data", ({ data, binaryData }) => sizeOf(data) + sizeOf(binaryData)),
    ageColumn,
  ),
  secrets: printer<Secret>(
    nameColumn,
    column("Type", ({ type }) => type ?? ""),
    count("Data", ({ data }) => sizeOf(data)),
    ageColumn,
  ),
  serviceaccounts: printer<ServiceAccount>(
    nameColumn,
    count("Secrets", ({ secrets }) => secrets?.length ?? 0),
    ageColumn,
  ),
  "leases.coordination.k8s.io": printer<Lease>(
    nameColumn,
    column("Holder", ({ spec }) => spec?.holderIdentity ?? ""),
    ageColumn,
  ),
  resourcequotas: printer<ResourceQuota>(
    nameColumn,
    column("Request", (quota) => quotaLine(quota, false)),
    column("Limit", (quota) => quotaLine(quota, true)),
    ageColumn,
  ),
};
