/** The picture of a system after `up` and in `status`: pods with their roles, where to connect, what to try next. */
import { isPodReady, resources } from "@coracle/kube";
import type { Pod, Service } from "kubernetes-types/core/v1.js";
import type { OfficialConfig } from "./connect.ts";
import { type Deployment, ofKind } from "./deployment.ts";
import { cellsOf, type Details, type DetailsRule, detailsOf } from "./details.ts";
import { isLeader, type Roles, rolesOf } from "./roles.ts";
import { table } from "./table.ts";
import { missingParts, podsOf } from "./wait.ts";

export interface PodLine {
  readonly name: string;
  readonly namespace: string;
  readonly ready: boolean;
  readonly phase: string;
  readonly role: string;
  readonly restarts: number;
  readonly address: string;
  readonly node: string;
  /** What the system's own command says of it. */
  readonly details?: Details;
}

export interface AddressLine {
  readonly service: string;
  readonly host: string;
  readonly port: number;
}

export interface Summary {
  readonly system: string;
  readonly namespaces: readonly string[];
  readonly ready: number;
  readonly pods: readonly PodLine[];
  readonly addresses: readonly AddressLine[];
  readonly tryNext: readonly string[];
  /** Which of the pods' details are columns. */
  readonly details?: DetailsRule;
  /** Optional parts that are not there, and what that means. */
  readonly missing: readonly string[];
}

/** `onLoopback`: load balancers also listen on 127.0.0.1, as the embedded cluster's do. `config` is for systems whose pods are asked. */
export async function summarize(
  deployment: Deployment,
  onLoopback: boolean,
  config: () => Promise<OfficialConfig>,
): Promise<Summary> {
  const found = await podsOf(deployment);
  const roles = await rolesOf(deployment.system.role, found, config);
  const rule = deployment.system.details;
  const details = await detailsOf(rule, found, config);
  const pods = found.map((pod) => podLine(roles, details, pod));
  const addresses = await serviceAddresses(deployment, onLoopback);
  return {
    system: deployment.system.name,
    namespaces: deployment.namespaces,
    ready: pods.filter(({ ready }) => ready).length,
    pods,
    addresses,
    tryNext: deployment.system.tryNext.map((line) => fillIn(line, deployment, pods, addresses)),
    missing: await missingParts(deployment),
    ...(rule && { details: rule }),
  };
}

function podLine(roles: Roles, details: ReadonlyMap<string, Details>, pod: Pod): PodLine {
  const own = details.get(pod.metadata?.name ?? "");
  return {
    name: pod.metadata?.name ?? "",
    namespace: pod.metadata?.namespace ?? "",
    ready: isPodReady(pod),
    phase: pod.metadata?.deletionTimestamp ? "Terminating" : (pod.status?.phase ?? "Pending"),
    role: roles.get(pod.metadata?.name ?? "") ?? "",
    restarts: Math.max(0, ...(pod.status?.containerStatuses ?? []).map(({ restartCount }) => restartCount)),
    address: pod.status?.podIP ?? "",
    node: pod.spec?.nodeName ?? "",
    ...(own && { details: own }),
  };
}

async function serviceAddresses(deployment: Deployment, onLoopback: boolean): Promise<AddressLine[]> {
  const balancers = ofKind(deployment, "Service").filter(
    ({ object }) => (object as Service).spec?.type === "LoadBalancer",
  );
  const lines = await Promise.all(
    balancers.map(async ({ object, namespace }) => {
      const service = await deployment.kube.get(resources.services, object.metadata.name, { namespace });
      return addressesOf(service, onLoopback ? await refusedPorts(deployment, service) : undefined);
    }),
  );
  return lines.flat();
}

/** Ports of 127.0.0.1 that the embedded cluster could not have for this Service: another program's, or another cluster's. */
async function refusedPorts({ kube }: Deployment, { metadata }: Service): Promise<Set<number>> {
  const { items } = await kube.list(resources.events, {
    namespace: metadata?.namespace ?? "",
    fieldSelector: `involvedObject.kind=Service,involvedObject.name=${metadata?.name}`,
  });
  const ports = items.map(({ message }) => /\b127\.0\.0\.1:(\d+)/.exec(message ?? "")?.[1]);
  return new Set(ports.filter((port) => port !== undefined).map(Number));
}

/** `refused` undefined: this cluster's load balancers are not on 127.0.0.1 at all. */
function addressesOf(service: Service, refused: ReadonlySet<number> | undefined): AddressLine[] {
  const [ingress] = service.status?.loadBalancer?.ingress ?? [];
  const own = ingress?.ip ?? ingress?.hostname;
  return (service.spec?.ports ?? []).flatMap(({ port }) => {
    const host = refused && !refused.has(port) ? "127.0.0.1" : own;
    return host ? [{ service: service.metadata?.name ?? "", host, port }] : [];
  });
}

function fillIn(
  line: string,
  deployment: Deployment,
  pods: readonly PodLine[],
  addresses: readonly AddressLine[],
): string {
  const { role } = deployment.system;
  const values: Record<string, string> = {
    leader: (role && pods.find((pod) => isLeader(role, pod.role))?.name) ?? pods[0]?.name ?? "",
    namespace: deployment.namespaces[0] ?? "default",
    host: addresses[0]?.host ?? "127.0.0.1",
    port: String(addresses[0]?.port ?? ""),
  };
  return line.replace(/\{(leader|namespace|host|port)\}/g, (_, key: string) => values[key] as string);
}

export function summaryText(summary: Summary): string {
  const withRole = summary.pods.some(({ role }) => role !== "");
  const { details } = summary;
  const columns = Object.keys(details?.columns ?? {});
  const head = ["POD", "READY", "STATUS", ...(withRole ? ["ROLE"] : []), ...columns, "RESTARTS", "ADDRESS", "NODE"];
  const rows = summary.pods.map((pod) => [
    pod.name,
    pod.ready ? "yes" : "no",
    pod.phase,
    ...(withRole ? [pod.role] : []),
    ...(details ? cellsOf(details, pod.details) : []),
    String(pod.restarts),
    pod.address,
    pod.node,
  ]);
  const connect = summary.addresses.map(({ service, host, port }) => `  ${host}:${port}  (${service})`);
  return [
    `${summary.system}: ${summary.ready}/${summary.pods.length} pods ready in namespace ${summary.namespaces.join(", ")}`,
    "",
    table([head, ...rows]),
    ...(summary.missing.length > 0 ? ["", "Without", ...summary.missing.map((line) => `  ${line}`)] : []),
    ...(connect.length > 0 ? ["", "Connect", ...connect] : []),
    ...(summary.tryNext.length > 0 ? ["", "Try next", ...summary.tryNext.map((line) => `  ${line}`)] : []),
  ].join("\n");
}
