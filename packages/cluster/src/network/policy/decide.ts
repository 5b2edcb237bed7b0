/**
 * What NetworkPolicy says of one pod, and whether it permits a connection. Pure, and without imports: the cluster compiles it
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

export interface PodPolicy {
  /** Absent: no policy isolates the pod in that direction, everything is permitted. */
  readonly ingress?: readonly PolicyRule[];
  readonly egress?: readonly PolicyRule[];
  /** Pods that are isolated themselves: the ports that each of them opens to this pod. The caller's end then drops what they would. */
  readonly isolatedPeers?: Readonly<Record<string, readonly PortRange[]>>;
  /** `address:port` of Services to `address:port` of their endpoints: a policy speaks of pods, not of the addresses before them. */
  readonly services?: Readonly<Record<string, readonly string[]>>;
  /** Addresses that are no pods: what comes from the node itself (probes, port-forward) is always permitted. */
  readonly nodeAddresses?: readonly string[];
}

export type Direction = "ingress" | "egress";

export interface Flow {
  readonly direction: Direction;
  /** The other end. */
  readonly peer: string;
  /** The port that is connected to. */
  readonly port: number;
  readonly protocol: "TCP" | "UDP";
}

const everyPort: PortRange = { protocol: "", from: 0, to: 65_535 };

/** Whether the policy lets the flow pass. A Service's address is reachable while one of its endpoints is. */
export function permits(policy: PodPolicy, flow: Flow): boolean {
  if (policy.nodeAddresses?.includes(flow.peer)) return true;
  const endpoints = flow.direction === "egress" ? policy.services?.[`${flow.peer}:${flow.port}`] : undefined;
  if (endpoints) return endpoints.length === 0 || endpoints.some((endpoint) => permits(policy, at(flow, endpoint)));
  if (flow.direction === "egress" && isClosedTo(policy.isolatedPeers?.[flow.peer], flow)) return false;
  const rules = policy[flow.direction];
  return !rules || rules.some((rule) => matchesPeer(rule, flow.peer) && opensPort(rule.ports, flow));
}

function at(flow: Flow, endpoint: string): Flow {
  const colon = endpoint.lastIndexOf(":");
  return { ...flow, peer: endpoint.slice(0, colon), port: Number(endpoint.slice(colon + 1)) };
}

const isClosedTo = (open: readonly PortRange[] | undefined, flow: Flow): boolean =>
  open !== undefined && !opensPort(open, flow);

/** The ports of a rule, or all of them. */
export const portsOf = (rule: PolicyRule): readonly PortRange[] => rule.ports ?? [everyPort];

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
