/** Where this node listens and whom it dials, out of the settings. */
import { isIP } from "node:net";
import { BlockchainError } from "../errors.ts";

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** The original's port, in cluster and compose alike. */
export const P2P_PORT = 2001;

/** `host:port`, `[v6]:port`, or a host alone. Throws BlockchainError `config`. */
export function hostPort(text: string, defaultPort = P2P_PORT): HostPort {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:]+)\]|([^\s:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? (isIP(text) === 6 ? text : undefined);
  const port = digits === undefined ? defaultPort : Number(digits);
  if (host === undefined || port > 65_535)
    throw new BlockchainError("config", `${text} is no address; write host:port`);
  return { host, port };
}

/** The nodes of `NODE_CONNECT_NODES` and `CENTRAL_NODE`. `local` and this node's own address stand for nobody. */
export function nodesToDial(connectNodes: string, centralNode: string | undefined, own: HostPort): readonly HostPort[] {
  return [...connectNodes.split(/[\s,]+/), centralNode ?? ""]
    .filter((text) => text !== "" && text !== "local")
    .map((text) => hostPort(text))
    .filter(({ host, port }) => host !== own.host || port !== own.port);
}

/** What others can dial: the pod's address, or what NODE_ADDR says if that is an address of one host. */
export function externalHost(own: HostPort, podIp: string | undefined): string | undefined {
  if (podIp) return podIp;
  const isEverywhere = own.host === "0.0.0.0" || own.host === "::";
  return isIP(own.host) !== 0 && !isEverywhere ? own.host : undefined;
}
