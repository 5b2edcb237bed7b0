/** LimitRange: defaults for containers that say nothing, and bounds on what they say, worded as kube-apiserver's LimitRanger. Pure. */
import { items } from "../defaults/fill.ts";
import type { ApiObject } from "../types.ts";
import { type Amounts, add, isMore } from "./amounts.ts";

const annotation = "kubernetes.io/limit-ranger";

/** As Kubernetes defaults a LimitRange: limits from maxima, requests from limits or minima. */
export function defaultLimitRange({ spec }: ApiObject): void {
  for (const item of items(spec?.limits)) {
    if (item.type !== "Container") continue;
    item.default = { ...item.max, ...item.default };
    item.defaultRequest = { ...item.min, ...item.default, ...item.defaultRequest };
    for (const field of ["default", "defaultRequest"]) if (Object.keys(item[field]).length === 0) delete item[field];
  }
}

/** Fills in the requests and limits of a new pod's containers, and notes it on the pod. */
export function applyLimitDefaults(pod: ApiObject, range: ApiObject): void {
  const defaults = items(range.spec?.limits).filter(({ type }) => type === "Container");
  const limits: Amounts = Object.assign({}, ...defaults.map((item) => item.default ?? {}));
  const requests: Amounts = Object.assign({}, ...defaults.map((item) => item.defaultRequest ?? {}));
  const notes = [
    ...items(pod.spec?.containers).flatMap((container) => fillIn(container, "container", requests, limits)),
    ...items(pod.spec?.initContainers).flatMap((container) => fillIn(container, "init container", requests, limits)),
  ];
  if (notes.length === 0) return;
  const metadata = pod.metadata!;
  metadata.annotations = { ...metadata.annotations, [annotation]: `LimitRanger plugin set: ${notes.join("; ")}` };
}

function fillIn(container: ApiObject, role: string, requests: Amounts, limits: Amounts): string[] {
  const resources = container.resources ?? {};
  container.resources = resources;
  const fill = (field: "requests" | "limits", defaults: Amounts): string[] => {
    const names = Object.keys(defaults).filter((name) => resources[field]?.[name] === undefined);
    if (names.length === 0) return [];
    resources[field] = { ...resources[field], ...Object.fromEntries(names.map((name) => [name, defaults[name]])) };
    return [`${names.sort().join(", ")} ${field.slice(0, -1)} for ${role} ${container.name}`];
  };
  return [...fill("requests", requests), ...fill("limits", limits)];
}

interface Subject {
  readonly requests: Amounts;
  readonly limits: Amounts;
}

/** Why the range refuses a new pod; nothing when it is within bounds. */
export function podLimitErrors({ spec }: ApiObject, range: ApiObject): string[] {
  const containers = [...items(spec?.containers), ...items(spec?.initContainers)].map(subjectOf);
  const whole = items(spec?.containers).map(subjectOf).reduce(join, { requests: {}, limits: {} });
  return items(range.spec?.limits).flatMap((item) => {
    if (item.type === "Container") return containers.flatMap((container) => boundErrors(item, container));
    return item.type === "Pod" ? boundErrors(item, whole) : [];
  });
}

/** Why the range refuses a new claim. */
export function claimLimitErrors({ spec }: ApiObject, range: ApiObject): string[] {
  const subject = subjectOf({ resources: spec?.resources });
  return items(range.spec?.limits)
    .filter(({ type }) => type === "PersistentVolumeClaim")
    .flatMap((item) => boundErrors(item, subject));
}

const subjectOf = ({ resources }: ApiObject): Subject => ({
  requests: resources?.requests ?? {},
  limits: resources?.limits ?? {},
});

const join = (a: Subject, b: Subject): Subject => ({
  requests: add(a.requests, b.requests),
  limits: add(a.limits, b.limits),
});

function boundErrors({ type, min, max }: ApiObject, subject: Subject): string[] {
  const minima = Object.entries<string>(min ?? {}).flatMap(([name, least]) => minimumError(type, name, least, subject));
  const maxima = Object.entries<string>(max ?? {}).flatMap(([name, most]) => maximumError(type, name, most, subject));
  return [...minima, ...maxima];
}

function minimumError(type: string, name: string, least: string, { requests, limits }: Subject): string[] {
  const rule = `minimum ${name} usage per ${type} is ${least}`;
  const request = requests[name];
  const limit = limits[name];
  if (request === undefined) return [`${rule}.  No request is specified`];
  if (isMore(least, request)) return [`${rule}, but request is ${request}`];
  return limit !== undefined && isMore(least, limit) ? [`${rule}, but limit is ${limit}`] : [];
}

function maximumError(type: string, name: string, most: string, { requests, limits }: Subject): string[] {
  const rule = `maximum ${name} usage per ${type} is ${most}`;
  const request = requests[name];
  const limit = limits[name];
  // A claim has no limits; its request is what is bounded.
  if (type === "PersistentVolumeClaim")
    return request !== undefined && isMore(request, most) ? [`${rule}, but request is ${request}`] : [];
  if (limit === undefined) return [`${rule}.  No limit is specified`];
  if (isMore(limit, most)) return [`${rule}, but limit is ${limit}`];
  return request !== undefined && isMore(request, most) ? [`${rule}, but request is ${request}`] : [];
}
