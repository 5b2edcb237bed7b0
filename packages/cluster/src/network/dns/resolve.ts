/** One question, answered from the zone. Pure. */
import type { Answer, Question } from "dns-packet";
import { reverseName } from "./service-records.ts";
import type { RecordData, Zone } from "./zone.ts";

/** Seconds; what kubeadm's CoreDNS gives. Short, because an endpoint may move at any time. */
export const ttlSeconds = 5;

export const rcodes = { noError: 0, formErr: 1, servFail: 2, nxDomain: 3, notImp: 4, refused: 5 } as const;

export interface Resolution {
  readonly rcode: number;
  readonly answers: readonly Answer[];
  readonly authorities: readonly Answer[];
  readonly additionals: readonly Answer[];
  /** Where the answers end in a CNAME out of the zone: stub resolvers expect the server to follow it. */
  readonly continueAt?: string;
}

export interface Authority {
  readonly zone: Zone;
  readonly domain: string;
  /** The reverse zone of the cluster's network, such as `10.127.in-addr.arpa`. */
  readonly reverseDomain: string;
}

export const reverseDomainOf = (address: string): string => reverseName(address.split(".").slice(0, 2).join("."));

/** A chain of aliases inside the cluster may be this long; beyond it the rest is left out (a loop, most likely). */
const maxAliases = 8;

/** The answer for a name in the cluster's domains; undefined for any other name. */
export function resolve(authority: Authority, question: Question): Resolution | undefined {
  const name = canonical(question.name);
  if (!owns(authority, name)) return undefined;
  const answers: Answer[] = [];
  const end = follow(authority, question, name, answers);
  if (end === "outside") return { ...found(answers), continueAt: aliasTarget(answers) };
  if (end === "missing") return { ...found(answers), rcode: rcodes.nxDomain, authorities: [soa(authority)] };
  if (!answers.some(({ type }) => type !== "CNAME") && question.type !== "CNAME")
    return { ...found(answers), authorities: [soa(authority)] };
  return { ...found(answers), additionals: addressesOfTargets(authority.zone, answers) };
}

export const canonical = (name: string): string => name.toLowerCase().replace(/\.$/, "");

const found = (answers: readonly Answer[]) => ({ rcode: rcodes.noError, answers, authorities: [], additionals: [] });

const owns = ({ domain, reverseDomain }: Authority, name: string): boolean =>
  within(name, domain) || within(name, reverseDomain);

const within = (name: string, domain: string): boolean => name === domain || name.endsWith(`.${domain}`);

/** Collects the records for `question`, along aliases; says where the chain ends. */
function follow(
  authority: Authority,
  question: Question,
  first: string,
  answers: Answer[],
): "here" | "missing" | "outside" {
  let name = first;
  // The question's spelling is echoed (RFC 4343 and the resolvers that randomise case); aliases have their own.
  let spelling = question.name;
  for (let aliases = 0; aliases < maxAliases; aliases++) {
    const records = recordsAt(authority, name);
    if (!records) return "missing";
    answers.push(...records.filter(({ type }) => matches(question, type)).map((record) => toAnswer(spelling, record)));
    const alias = records.find(({ type }) => type === "CNAME");
    if (alias?.type !== "CNAME" || matches(question, "CNAME")) return "here";
    answers.push(toAnswer(spelling, alias));
    spelling = alias.data;
    name = canonical(spelling);
    if (!owns(authority, name)) return "outside";
  }
  return "here";
}

const matches = (question: Question, type: string): boolean =>
  question.type === type || (question.type as string) === "ANY";

const aliasTarget = (answers: readonly Answer[]): string => {
  const last = answers.at(-1);
  return last?.type === "CNAME" ? last.data : "";
};

function recordsAt({ zone, domain }: Authority, name: string): readonly RecordData[] | undefined {
  return zone.at(name) ?? podAddress(zone, domain, name);
}

/** `1-2-3-4.<namespace>.pod.<domain>`: any address is taken at its word, as CoreDNS does in its `pods insecure` mode. */
function podAddress(zone: Zone, domain: string, name: string): RecordData[] | undefined {
  const [, dashed, namespace] = /^(\d{1,3}(?:-\d{1,3}){3})\.([^.]+)\.pod\./.exec(name) ?? [];
  if (!dashed || name !== `${dashed}.${namespace}.pod.${domain}` || !zone.at(`${namespace}.pod.${domain}`))
    return undefined;
  const octets = dashed.split("-");
  return octets.every((octet) => Number(octet) <= 255)
    ? [{ type: "A", data: octets.map(Number).join(".") }]
    : undefined;
}

function addressesOfTargets(zone: Zone, answers: readonly Answer[]): Answer[] {
  const targets = new Set(answers.flatMap((answer) => (answer.type === "SRV" ? [answer.data.target] : [])));
  return [...targets].flatMap((target) =>
    (zone.at(canonical(target)) ?? []).filter(({ type }) => type === "A").map((record) => toAnswer(target, record)),
  );
}

const toAnswer = (name: string, record: RecordData): Answer =>
  record.type === "SRV"
    ? { name, type: "SRV", ttl: ttlSeconds, data: { ...record.data } }
    : record.type === "TXT"
      ? { name, type: "TXT", ttl: ttlSeconds, data: record.data }
      : { name, type: record.type, ttl: ttlSeconds, data: record.data };

const soa = ({ zone, domain }: Authority): Answer => ({
  name: domain,
  type: "SOA",
  ttl: ttlSeconds,
  data: {
    mname: `ns.dns.${domain}`,
    rname: `hostmaster.${domain}`,
    serial: zone.serial,
    refresh: 7200,
    retry: 1800,
    expire: 86400,
    // Also how long "no such name" may be remembered (RFC 2308).
    minimum: ttlSeconds,
  },
});
