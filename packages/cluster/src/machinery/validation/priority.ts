/** Rules of priority classes: the names and values above the users' belong to the system. */
import { systemPriorityClasses } from "../defaults/priority.ts";
import type { ApiObject } from "../types.ts";
import { type FieldError, forbidden } from "./field-error.ts";
import { immutable, oneOf } from "./rules.ts";

const highestForUsers = 1_000_000_000;

export function validatePriorityClass({ metadata, value = 0, preemptionPolicy }: ApiObject): FieldError[] {
  const name = metadata?.name ?? "";
  const isSystem = systemPriorityClasses.some((each) => each.metadata?.name === name && each.value === value);
  const reserved = `priority class names with 'system-' prefix are reserved for system use only. error: ${name} is not a known system priority class`;
  return [
    ...(name.startsWith("system-") && !isSystem ? [forbidden("metadata.name", reserved)] : []),
    ...(value > highestForUsers && !name.startsWith("system-")
      ? [forbidden("value", `maximum allowed value of a user defined priority is ${highestForUsers}`)]
      : []),
    ...oneOf("preemptionPolicy", preemptionPolicy, ["PreemptLowerPriority", "Never"]),
  ];
}

export const validatePriorityClassUpdate = (next: ApiObject, old: ApiObject): FieldError[] => [
  ...(next.value === old.value ? [] : [forbidden("value", "may not be changed in an update.")]),
  ...immutable("preemptionPolicy", next.preemptionPolicy, old.preemptionPolicy),
];
