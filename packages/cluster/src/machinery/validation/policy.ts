/** Rules of NetworkPolicies. */
import { BlockList, isIP } from "node:net";
import { items } from "../defaults/fill.ts";
import type { ApiObject } from "../types.ts";
import { type FieldError, forbidden, invalid, required } from "./field-error.ts";
import { each, isSet, oneOf, portReference } from "./rules.ts";
import { validateSelector } from "./selector.ts";

const protocols = ["SCTP", "TCP", "UDP"];

export const validateNetworkPolicy = ({ spec }: ApiObject): FieldError[] => [
  ...validateSelector("spec.podSelector", spec.podSelector),
  ...each("spec.ingress", items(spec.ingress), (path, rule) => validateRule(path, rule, "from")),
  ...each("spec.egress", items(spec.egress), (path, rule) => validateRule(path, rule, "to")),
  ...(spec.policyTypes as unknown[]).flatMap((type, index) =>
    oneOf(`spec.policyTypes[${index}]`, type, ["Egress", "Ingress"]),
  ),
];

const validateRule = (path: string, rule: ApiObject, peers: "from" | "to"): FieldError[] => [
  ...each(`${path}.ports`, items(rule.ports), validatePort),
  ...each(`${path}.${peers}`, items(rule[peers]), validatePeer),
];

const validatePort = (path: string, { protocol, port, endPort }: ApiObject): FieldError[] => [
  ...oneOf(`${path}.protocol`, protocol, protocols),
  ...(port === undefined ? [] : portReference(`${path}.port`, port)),
  ...validateEndPort(`${path}.endPort`, port, endPort),
];

function validateEndPort(field: string, port: unknown, endPort: unknown): FieldError[] {
  if (endPort === undefined) return [];
  if (port === undefined)
    return [required(field.replace("endPort", "port"), "must be specified when `endPort` is set")];
  if (typeof port === "string") return [invalid(field, endPort, "may not be specified when `port` is non-numeric")];
  const isBelow = Number(endPort) < Number(port);
  return [
    ...portReference(field, endPort),
    ...(isBelow ? [invalid(field, endPort, "must be greater than or equal to `port`")] : []),
  ];
}

function validatePeer(path: string, { podSelector, namespaceSelector, ipBlock }: ApiObject): FieldError[] {
  const selectors = [
    ...(podSelector ? validateSelector(`${path}.podSelector`, podSelector) : []),
    ...(namespaceSelector ? validateSelector(`${path}.namespaceSelector`, namespaceSelector) : []),
  ];
  const chosen = [podSelector, namespaceSelector, ipBlock].filter(Boolean).length;
  if (chosen === 0) return [required(path, "must specify a peer")];
  if (ipBlock && chosen > 1) return [...selectors, forbidden(path, "may not specify both ipBlock and another peer")];
  return [...selectors, ...(ipBlock ? validateBlock(`${path}.ipBlock`, ipBlock) : [])];
}

interface Range {
  readonly address: string;
  readonly prefix: number;
  readonly family: "ipv4" | "ipv6";
}

function rangeOf(text: unknown): Range | undefined {
  const [, address = "", digits = ""] = /^([^/]+)\/(\d{1,3})$/.exec(String(text)) ?? [];
  const version = isIP(address);
  const prefix = Number(digits);
  if (version === 0 || digits === "" || prefix > (version === 4 ? 32 : 128)) return undefined;
  return { address, prefix, family: version === 4 ? "ipv4" : "ipv6" };
}

const notRange = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

export const validateCidr = (field: string, text: unknown): FieldError[] =>
  rangeOf(text) ? [] : [invalid(field, text, notRange)];

function validateBlock(path: string, { cidr, except }: ApiObject): FieldError[] {
  if (!isSet(cidr)) return [required(`${path}.cidr`)];
  const whole = rangeOf(cidr);
  if (!whole) return [invalid(`${path}.cidr`, cidr, notRange)];
  return ((except as unknown[] | undefined) ?? []).flatMap((text, index) => {
    const field = `${path}.except[${index}]`;
    const part = rangeOf(text);
    if (!part) return [invalid(field, text, notRange)];
    return isWithin(part, whole) ? [] : [invalid(field, text, "must be a strict subset of `cidr`")];
  });
}

function isWithin(part: Range, whole: Range): boolean {
  if (part.family !== whole.family || part.prefix <= whole.prefix) return false;
  const list = new BlockList();
  list.addSubnet(whole.address, whole.prefix, whole.family);
  return list.check(part.address, part.family);
}
