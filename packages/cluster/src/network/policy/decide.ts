/**
 * What NetworkPolicy says, and whether it permits a connection. Pure, and without imports: the cluster compiles it
 * (compile.ts), the pod's preload decides by it.
 */

export interface PortRange {
  readonly protocol: string;
  readonly from: number;
  readonly to: number;
}

export interface AddressBlock {
  readonly cidr: string;
  readonly except: readonly string[];
}

/** Permits what matches both its peers and its ports. */
export interface PolicyRule {
  /** Pod addresses. With `blocks` absent too: everybody. */
  readonly addresses?: readonly string[];
  readonly blocks?: readonly AddressBlock[];
  /** Absent: all ports. */
  readonly ports?: readonly PortRange[];
}

/** Indices of the rules that open an isolated pod. Absent: no policy isolates it in that direction, everything is permitted. */
export interface PodPolicy {
  readonly ingress?: readonly number[];
  readonly egress?: readonly number[];
}

/** What NetworkPolicy says of all pods: one table that they share, because what a peer lets in is decided at the caller's end as well. */
export interface PolicyTable {
  readonly rules: readonly PolicyRule[];
  /** By address; pods that nothing isolates are not in it. */
  readonly pods: Readonly<Record<string, PodPolicy>>;
  /** `address:port` of Services to `address:port` of their endpoints: a policy speaks of pods, not of the addresses before them. */
  readonly services?: Readonly<Record<string, readonly string[]>>;
  /** Addresses that are no pods: what comes from the node itself (probes, port-forward, Ingress) is always permitted. */
  readonly nodeAddresses?: readonly string[];
}

export const noPolicy: PolicyTable = { rules: [], pods: {} };

export type Direction = "ingress" | "egress";

export interface Flow {
  readonly direction: Direction;
  /** The other end. */
  readonly peer: string;
  /** The port that is connected to. */
  readonly port: number;
  readonly protocol: "TCP" | "UDP";
}

/**
 * Whether `own` and the peer both let the flow pass. A Service's address is reachable while one of its endpoints is; which of them a caller
 * gets is the proxy's choice, so the endpoint asks again whether the caller may reach it.
 */
export function permits(table: PolicyTable, own: string, flow: Flow): boolean {
  const { peer, direction } = flow;
  if (table.nodeAddresses?.includes(peer)) return true;
  if (direction === "ingress") return passes(table, flow, peer, own);
  const endpoints = table.services?.[`${peer}:${flow.port}`];
  if (endpoints) return endpoints.length === 0 || endpoints.some((endpoint) => permits(table, own, at(flow, endpoint)));
  return passes(table, flow, own, peer);
}

const passes = (table: PolicyTable, flow: Flow, from: string, to: string): boolean =>
  opens(table, table.pods[to]?.ingress, flow, from) && opens(table, table.pods[from]?.egress, flow, to);

/** Whether one of the rules, where there are any, is for `peer` and the flow's port. */
const opens = ({ rules }: PolicyTable, indices: readonly number[] | undefined, flow: Flow, peer: string): boolean =>
  !indices ||
  indices.some((index) => {
    const rule = rules[index];
    return rule !== undefined && opensPort(rule.ports, flow) && matchesPeer(rule, peer);
  });

function at(flow: Flow, endpoint: string): Flow {
  const colon = endpoint.lastIndexOf(":");
  return { ...flow, peer: endpoint.slice(0, colon), port: Number(endpoint.slice(colon + 1)) };
}

const opensPort = (ports: readonly PortRange[] | undefined, { port, protocol }: Flow): boolean =>
  !ports ||
  ports.some((range) => (!range.protocol || range.protocol === protocol) && port >= range.from && port <= range.to);

export function matchesPeer({ addresses, blocks }: PolicyRule, peer: string): boolean {
  if (!addresses && !blocks) return true;
  if (addresses?.includes(peer)) return true;
  return (blocks ?? []).some(
    ({ cidr, except }) => contains(cidr, peer) && !except.some((hole) => contains(hole, peer)),
  );
}

function contains(cidr: string, address: string): boolean {
  const [base = "", bits = "32"] = cidr.split("/");
  const [a, b] = [numberOf(base), numberOf(address)];
  if (a === undefined || b === undefined) return false;
  const size = 2 ** (32 - Number(bits));
  return Math.floor(a / size) === Math.floor(b / size);
}

/** An IPv4 address as a number; undefined for anything else (there is no IPv6 in the cluster). */
function numberOf(address: string): number | undefined {
  const octets = address.split(".").map(Number);
  if (octets.length !== 4 || octets.some((octet) => !(octet >= 0 && octet <= 255))) return undefined;
  return octets.reduce((sum, octet) => sum * 256 + octet, 0);
}
