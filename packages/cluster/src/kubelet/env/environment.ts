/** A container's environment, in Kubernetes' order of precedence: Services, then envFrom, then env. */
import type { ConfigMap, Container, EnvVar, Pod, Secret, Service } from "kubernetes-types/core/v1.js";
import { ContainerError } from "../errors.ts";
import { expand } from "./expand.ts";
import { fieldValue, type NodeCapacity, type PodAddresses, resourceValue } from "./fields.ts";
import { serviceVariables } from "./services.ts";

/** What the environment is read from. */
export interface EnvironmentSources {
  configMap(name: string): ConfigMap | undefined;
  secret(name: string): Secret | undefined;
  /** The Services of the pod's namespace. */
  services(): readonly Service[];
  readonly apiServer: { readonly host: string; readonly port: number };
  readonly node: NodeCapacity;
}

export const decodeSecret = ({ data = {} }: Secret): Record<string, string> =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString("utf8")]));

/** Throws CreateContainerConfigError when a required reference leads nowhere. */
export function containerEnvironment(
  pod: Pod,
  container: Container,
  addresses: PodAddresses,
  sources: EnvironmentSources,
): Record<string, string> {
  const found: Record<string, string> = { ...serviceLinks(pod, sources), ...fromReferences(container, sources) };
  for (const variable of container.env ?? []) {
    const value = variableValue(pod, container, variable, found, addresses, sources);
    if (value !== undefined) found[variable.name] = value;
  }
  return found;
}

function serviceLinks(pod: Pod, { services, apiServer: { host, port } }: EnvironmentSources): Record<string, string> {
  const kubernetes: Service = {
    metadata: { name: "kubernetes" },
    spec: { clusterIP: host, ports: [{ name: "https", port, protocol: "TCP" }] },
  };
  const others =
    pod.spec?.enableServiceLinks === false ? [] : services().filter(({ metadata }) => metadata?.name !== "kubernetes");
  return serviceVariables([...others, kubernetes]);
}

function fromReferences(container: Container, sources: EnvironmentSources): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { prefix = "", configMapRef, secretRef } of container.envFrom ?? []) {
    const entries = configMapRef
      ? (mapData(configMapRef.name ?? "", configMapRef.optional, sources) ?? {})
      : (secretData(secretRef?.name ?? "", secretRef?.optional, sources) ?? {});
    for (const [key, value] of Object.entries(entries)) found[`${prefix}${key}`] = value;
  }
  return found;
}

function variableValue(
  pod: Pod,
  container: Container,
  { value, valueFrom }: EnvVar,
  before: Readonly<Record<string, string>>,
  addresses: PodAddresses,
  sources: EnvironmentSources,
): string | undefined {
  if (valueFrom === undefined) return expand(value ?? "", before);
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
  if (fieldRef) return fieldValue(pod, fieldRef.fieldPath, addresses);
  if (resourceFieldRef)
    return resourceValue(containerFor(pod, container, resourceFieldRef.containerName), resourceFieldRef, sources.node);
  if (configMapKeyRef) {
    const { name = "", key, optional } = configMapKeyRef;
    return keyOf(mapData(name, optional, sources), "ConfigMap", pod, name, key, optional);
  }
  if (secretKeyRef) {
    const { name = "", key, optional } = secretKeyRef;
    return keyOf(secretData(name, optional, sources), "Secret", pod, name, key, optional);
  }
  return undefined;
}

const containerFor = (pod: Pod, own: Container, name: string | undefined): Container =>
  (name && [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].find((each) => each.name === name)) ||
  own;

function mapData(name: string, optional: boolean | undefined, sources: EnvironmentSources) {
  const map = sources.configMap(name);
  return required(map && (map.data ?? {}), `configmap "${name}" not found`, optional);
}

function secretData(name: string, optional: boolean | undefined, sources: EnvironmentSources) {
  const secret = sources.secret(name);
  return required(secret && decodeSecret(secret), `secret "${name}" not found`, optional);
}

function required<T>(value: T | undefined, message: string, optional: boolean | undefined): T | undefined {
  if (value === undefined && !optional) throw new ContainerError("CreateContainerConfigError", message);
  return value;
}

function keyOf(
  data: Readonly<Record<string, string>> | undefined,
  kind: string,
  pod: Pod,
  name: string,
  key: string,
  optional: boolean | undefined,
): string | undefined {
  const value = data?.[key];
  if (value !== undefined || optional) return value;
  const place = `${pod.metadata?.namespace}/${name}`;
  throw new ContainerError("CreateContainerConfigError", `couldn't find key ${key} in ${kind} ${place}`);
}
