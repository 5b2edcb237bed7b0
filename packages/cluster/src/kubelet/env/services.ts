/** Variables that tell a container of the Services in its namespace. */
import type { Service } from "kubernetes-types/core/v1.js";

/** `{NAME}_SERVICE_HOST`, `_PORT` and the Docker-link forms, for every Service with a cluster address. */
export function serviceVariables(services: readonly Service[]): Record<string, string> {
  return Object.assign({}, ...services.filter(hasAddress).map(variablesOf)) as Record<string, string>;
}

const hasAddress = ({ spec }: Service): boolean =>
  !!spec?.clusterIP && spec.clusterIP !== "None" && (spec.ports ?? []).length > 0;

const upper = (name: string): string => name.toUpperCase().replaceAll("-", "_");

function variablesOf({ metadata, spec }: Service): Record<string, string> {
  const prefix = upper(metadata?.name ?? "");
  const host = spec?.clusterIP ?? "";
  const ports = spec?.ports ?? [];
  const found: Record<string, string> = {
    [`${prefix}_SERVICE_HOST`]: host,
    [`${prefix}_SERVICE_PORT`]: String(ports[0]?.port),
    [`${prefix}_PORT`]: urlOf(ports[0]?.protocol, host, ports[0]?.port),
  };
  for (const { name, port, protocol = "TCP" } of ports) {
    if (name) found[`${prefix}_SERVICE_PORT_${upper(name)}`] = String(port);
    const link = `${prefix}_PORT_${port}_${protocol}`;
    found[link] = urlOf(protocol, host, port);
    found[`${link}_PROTO`] = protocol.toLowerCase();
    found[`${link}_PORT`] = String(port);
    found[`${link}_ADDR`] = host;
  }
  return found;
}

const urlOf = (protocol = "TCP", host: string, port: number | undefined): string =>
  `${protocol.toLowerCase()}://${host}:${port}`;
