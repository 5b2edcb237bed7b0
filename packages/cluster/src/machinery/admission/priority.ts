/** The Priority plug-in: a pod's priority is that of its class. */

import { systemPriorityClasses } from "../defaults/priority.ts";
import type { WriteContext } from "../resources/row.ts";
import type { ApiObject } from "../types.ts";
import { forbiddenObject } from "../write/refusals.ts";

const classes = "priorityclasses.scheduling.k8s.io";
const pods = { group: "", plural: "pods" };
const priorityClasses = { group: "scheduling.k8s.io", plural: "priorityclasses" };

export function resolvePriority(pod: ApiObject, context: WriteContext): void {
  const { spec } = pod;
  const found = spec.priorityClassName ? classNamed(pod, context) : defaultClass(context);
  if (!found) return;
  spec.priorityClassName ??= found.metadata?.name;
  spec.priority = found.value;
  if (found.preemptionPolicy) spec.preemptionPolicy = found.preemptionPolicy;
}

function classNamed({ metadata, spec }: ApiObject, context: WriteContext): ApiObject {
  const name: string = spec.priorityClassName;
  const known = context.latest(classes, "", name) ?? systemPriorityClasses.find((each) => each.metadata?.name === name);
  if (!known) throw forbiddenObject(pods, metadata?.name ?? "", `no PriorityClass with name ${name} was found`);
  return known;
}

/** Of several, the least. */
function defaultClass(context: WriteContext): ApiObject | undefined {
  const defaults = context.list(classes).filter(({ globalDefault }) => globalDefault === true);
  return defaults.toSorted((a, b) => a.value - b.value)[0];
}

/** Only one class can be the default. */
export function admitPriorityClass(priorityClass: ApiObject, context: WriteContext): void {
  if (priorityClass.globalDefault !== true) return;
  const name = priorityClass.metadata?.name ?? "";
  const other = context.list(classes).find((each) => each.globalDefault === true && each.metadata.name !== name);
  if (other)
    throw forbiddenObject(
      priorityClasses,
      name,
      `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`,
    );
}
