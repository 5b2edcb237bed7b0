/** Defaults of containers, as in `pkg/apis/core/v1/defaults.go`. */
import type { ApiObject } from "../types.ts";
import { canonicalQuantities, fill, items } from "./fill.ts";

export function defaultContainer(container: ApiObject): void {
  fill(container, {
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
    imagePullPolicy: pullPolicyOf(container.image),
    resources: {},
  });
  for (const port of items(container.ports)) fill(port, { protocol: "TCP" });
  for (const variable of items(container.env)) defaultFieldRef(variable.valueFrom);
  for (const probe of ["livenessProbe", "readinessProbe", "startupProbe"]) defaultProbe(container[probe]);
  for (const hook of ["postStart", "preStop"]) defaultHttpGet(container.lifecycle?.[hook]);
  canonicalQuantities(container.resources.requests);
  canonicalQuantities(container.resources.limits);
}

/** Only an image that can change under its name is pulled each time. */
function pullPolicyOf(image: unknown): string {
  const name = String(image ?? "")
    .split("/")
    .at(-1)!;
  if (name.includes("@")) return "IfNotPresent";
  const tag = name.split(":")[1] ?? "latest";
  return tag === "latest" ? "Always" : "IfNotPresent";
}

export function defaultFieldRef(source: ApiObject | undefined): void {
  if (source?.fieldRef) fill(source.fieldRef, { apiVersion: "v1" });
  if (source?.resourceFieldRef) fill(source.resourceFieldRef, { divisor: "0" });
}

function defaultProbe(probe: ApiObject | undefined): void {
  if (!probe) return;
  for (const [field, value] of Object.entries(probeNumbers)) if (!probe[field]) probe[field] = value;
  defaultHttpGet(probe);
  if (probe.grpc) fill(probe.grpc, { service: "" });
}

/** Zero counts as unset here. */
const probeNumbers = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };

function defaultHttpGet(handler: ApiObject | undefined): void {
  if (handler?.httpGet) fill(handler.httpGet, { path: "/", scheme: "HTTP" });
}

/** Requests default to limits; this is done for pods, not for templates. */
export function defaultRequests({ resources }: ApiObject): void {
  if (!resources?.limits) return;
  resources.requests = { ...resources.limits, ...resources.requests };
}
