/** Who this pod is, where the others reach it, and which pods form the first cluster. */
import { createHash } from "node:crypto";
import { type PodIdentity, podIdentity } from "@coracle/pod";
import type { Seat } from "../membership/types.ts";
import type { ServerSettings } from "./settings.ts";

export interface Self {
  readonly name: string;
  readonly ip: string;
  readonly namespace: string;
  /** Of the StatefulSet; undefined outside of one. */
  readonly set: string | undefined;
  readonly ordinal: number | undefined;
  readonly address: string;
  /** The pods that form the first cluster, lowest ordinal first; this one alone outside of a StatefulSet. */
  readonly first: readonly string[];
  readonly inKubernetes: boolean;
}

type Facts = Pick<
  ServerSettings,
  "podName" | "podIp" | "namespace" | "serviceName" | "clusterDomain" | "advertise" | "port" | "initialClusterSize"
>;

export function selfOf(settings: Facts, env: Readonly<Record<string, string | undefined>> = process.env): Self {
  const { podName, podIp = "127.0.0.1", initialClusterSize } = settings;
  const { name, set, ordinal, namespace, inKubernetes }: PodIdentity = podIdentity({
    ...env,
    ...(podName !== undefined && { POD_NAME: podName }),
  });
  const isOneOfASet = podName !== undefined && set !== undefined;
  return {
    name,
    ip: podIp,
    namespace,
    set: isOneOfASet ? set : undefined,
    ordinal: isOneOfASet ? ordinal : undefined,
    address: settings.advertise ?? addressOf(settings, name, namespace, podIp),
    first: isOneOfASet ? Array.from({ length: initialClusterSize }, (_, n) => `${set}-${n}`) : [name],
    inKubernetes,
  };
}

/** A name where there is one: it stays when the pod moves. */
function addressOf({ serviceName, clusterDomain, port }: Facts, name: string, namespace: string, ip: string): string {
  if (serviceName !== undefined) return `${name}.${serviceName}.${namespace}.svc.${clusterDomain}:${port}`;
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/** The number of a pod of this StatefulSet; undefined for any other name. */
export const ordinalIn =
  (set: string | undefined) =>
  (name: string): number | undefined => {
    const digits = set !== undefined && name.startsWith(`${set}-`) ? name.slice(set.length + 1) : "";
    return /^\d{1,9}$/.test(digits) ? Number(digits) : undefined;
  };

/** Follows from the first disks, so that the same ones can only ever form the same cluster. 16 hex digits. */
export const clusterIdOf = (seats: readonly Seat[]): string =>
  createHash("sha256")
    .update(
      seats
        .map(({ id }) => id)
        .sort()
        .join(),
    )
    .digest("hex")
    .slice(0, 16);
