/** The admission that comes after validation: LimitRanger's bounds, then ResourceQuota, as in kube-apiserver. */
import { claimLimitErrors, podLimitErrors } from "../quota/limit-range.ts";
import { refusalOf } from "../quota/quota.ts";
import type { ResourceRow, WriteContext } from "../resources/row.ts";
import type { ApiObject } from "../types.ts";
import { forbiddenObject } from "../write/refusals.ts";

/** Throws Forbidden for a new object that is out of its namespace's bounds. */
export function checkBounds(row: ResourceRow, object: ApiObject, context: WriteContext): void {
  const { namespace = "", name = "" } = object.metadata ?? {};
  if (!row.namespaced) return;
  const errors = context.present("limitranges", namespace).flatMap((range) => limitErrors(row, object, range));
  if (errors.length > 0)
    throw forbiddenObject(row, name, errors.length === 1 ? (errors[0] as string) : `[${errors.join(", ")}]`);
  checkQuotas(row, object, context);
}

/** Throws Forbidden for an object that is new, or asks for more than it had, where a quota has no room for that. */
export function checkQuotas(row: ResourceRow, object: ApiObject, context: WriteContext, old?: ApiObject): void {
  const { namespace = "", name = "" } = object.metadata ?? {};
  if (!row.namespaced) return;
  for (const quota of context.present("resourcequotas", namespace)) {
    const refusal = refusalOf(quota, row.key, object, (key) => context.present(key, namespace), old);
    if (refusal !== undefined) throw forbiddenObject(row, name, refusal);
  }
}

function limitErrors({ key }: ResourceRow, object: ApiObject, range: ApiObject): string[] {
  if (key === "pods") return podLimitErrors(object, range);
  return key === "persistentvolumeclaims" ? claimLimitErrors(object, range) : [];
}
