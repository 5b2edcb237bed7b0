import type { ApiObject } from "../../../machinery/types.ts";
import { ageColumn, column, nameColumn, printer } from "../columns.ts";

/** `True`, or why not. */
function availability({ status }: ApiObject): string {
  const condition = (status?.conditions ?? []).find(({ type }: { type: string }) => type === "Available");
  if (condition === undefined) return "Unknown";
  return condition.status === "True" ? "True" : `${condition.status} (${condition.reason})`;
}

const conditionOf = (object: ApiObject) => (object.conditions ?? [])[0] ?? {};

export const computedPrinters = {
  componentstatuses: printer<ApiObject>(
    nameColumn,
    column("Status", (object) => (conditionOf(object).status === "True" ? "Healthy" : "Unhealthy")),
    column("Message", (object) => conditionOf(object).message ?? ""),
    column("Error", (object) => conditionOf(object).error ?? ""),
  ),
  "apiservices.apiregistration.k8s.io": printer<ApiObject>(
    nameColumn,
    column("Service", ({ spec }) => (spec?.service ? `${spec.service.namespace}/${spec.service.name}` : "Local")),
    column("Available", availability),
    ageColumn,
  ),
};
