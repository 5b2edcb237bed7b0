/** Rules of the containers that `kubectl debug` adds to a pod: they come, and neither change nor go. */
import { items } from "../defaults/fill.ts";
import { containersOf } from "../defaults/pod.ts";
import { jsonEqual } from "../json.ts";
import type { ApiObject } from "../types.ts";
import { validateContainer } from "./container.ts";
import { duplicate, type FieldError, forbidden, notFound } from "./field-error.ts";
import { each } from "./rules.ts";

const list = "spec.ephemeralContainers";
const unfit = ["ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "resizePolicy"];

export function validateEphemeralContainers({ spec }: ApiObject, old: ApiObject): FieldError[] {
  const volumes = new Set(items(spec.volumes).map(({ name }) => name));
  const lasting = containersOf({ ...spec, ephemeralContainers: [] }).map(({ name }) => name);
  const added = items(spec.ephemeralContainers);
  return [
    ...each(list, added, (path, container) => [
      ...validateContainer(path, container, volumes),
      ...unfit
        .filter((field) => container[field] !== undefined)
        .map((field) => forbidden(`${path}.${field}`, "cannot be set for an Ephemeral Container")),
      ...(container.targetContainerName && !lasting.includes(container.targetContainerName)
        ? [notFound(`${path}.targetContainerName`, container.targetContainerName)]
        : []),
    ]),
    ...repeatedNames(lasting, added),
    ...items(old.spec.ephemeralContainers).flatMap((before) => keeps(before, added)),
  ];
}

function repeatedNames(lasting: readonly unknown[], added: readonly ApiObject[]): FieldError[] {
  const seen = new Set(lasting);
  return each(list, added, (path, { name }) => {
    if (seen.has(name)) return [duplicate(`${path}.name`, name)];
    seen.add(name);
    return [];
  });
}

function keeps(before: ApiObject, added: readonly ApiObject[]): FieldError[] {
  const after = added.find(({ name }) => name === before.name);
  if (after && jsonEqual(after, before)) return [];
  const what = after ? "changed" : "removed";
  return [forbidden(list, `existing ephemeral containers ${JSON.stringify(before.name)} may not be ${what}\n`)];
}
