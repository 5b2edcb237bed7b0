/** Every kind of fault: a row with what it takes, what it does and how that ends. A new kind is a row here. */
import * as api from "./effects/api.ts";
import * as dns from "./effects/dns.ts";
import * as live from "./effects/live.ts";
import { kill, pause, stopNode } from "./effects/machines.ts";
import { partition } from "./effects/partition.ts";
import { boolean, choice, integer, needed, number, type Parameters, text, texts, type ValuesOf } from "./parameter.ts";
import { podParameters } from "./targets.ts";
import type { FaultWorld, Injected, Named } from "./types.ts";

/** What a fault needs at least one of. */
export type Aim = "pods" | "clients" | "askers" | "node";

export interface FaultRow<P extends Parameters> {
  readonly aim: Aim;
  /** What it does, for help. */
  readonly summary: string;
  /** How it is brought about, and how it is taken back. */
  readonly means: string;
  readonly undone: string;
  readonly parameters: P;
  /** Throws or rejects with FaultError when there is nobody to hit. */
  readonly inject: (values: ValuesOf<P>, world: FaultWorld, fault: Named) => Promise<Injected> | Injected;
}

const row = <P extends Parameters>(given: FaultRow<P>): FaultRow<P> => given;

const dayMs = 86_400_000;
const delay = (help: string) => needed(integer(help, { min: 1, max: 600_000 }));
const onVolume = {
  ...podParameters,
  volume: text("the volume's name in the pod (default: everything the pod writes to)"),
};
const viaPreload = "the pod's Node.js programs are told by a file that they follow; other programs notice nothing";
const fileGone = "the file goes";
const ruleGone = "the rule goes";
const atServer = "a rule in the API server, after authorization";
const inDns = "a rule in cluster DNS; only Node.js programs ask from their pod's own address";

export const faultTable = {
  kill: row({
    aim: "pods",
    summary: "kill the programs of pods",
    means: "SIGKILL for the containers' processes",
    undone: "over at once; the kubelet restarts what the restart policy says",
    parameters: { ...podParameters, container: text("only this container") },
    inject: kill,
  }),
  pause: row({
    aim: "pods",
    summary: "freeze pods as they are",
    means: "SIGSTOP for every process of the pods that run now",
    undone: "SIGCONT",
    parameters: podParameters,
    inject: pause,
  }),
  partition: row({
    aim: "pods",
    summary: "cut pods off from others or from everybody",
    means: "an ordinary NetworkPolicy named fault-NAME; pods that no label tells apart get one",
    undone: "the NetworkPolicy and the label go",
    parameters: {
      ...podParameters,
      direction: choice("what is lost: connections to the pods (in), from them (out) or both (default)", [
        "both",
        "in",
        "out",
      ]),
      from: texts("names of the pods they are cut off from (default: from everybody)"),
      fromSelector: text("a label selector instead of those names"),
      keepApi: boolean("whether they still reach the API server, when cut off from everybody (default false)"),
    },
    inject: partition,
  }),
  "network-delay": row({
    aim: "pods",
    summary: "let what pods receive arrive late",
    means: `${viaPreload}; an HTTP server's input is not delayed, its clients' is`,
    undone: fileGone,
    parameters: {
      ...podParameters,
      delayMs: delay("how late, in milliseconds"),
      from: texts("only what comes from these pods"),
      fromSelector: text("a label selector instead of those names"),
    },
    inject: live.delayNetwork,
  }),
  "api-hang": row({
    aim: "clients",
    summary: "leave API calls without an answer, and undone",
    means: atServer,
    undone: "the rule goes, and the connections that hang are cut",
    parameters: api.clientParameters,
    inject: api.hang,
  }),
  "api-error": row({
    aim: "clients",
    summary: "answer API calls with an error",
    means: atServer,
    undone: ruleGone,
    parameters: { ...api.clientParameters, code: needed(choice("the HTTP status", api.errorCodes)) },
    inject: api.refuse,
  }),
  "api-lose-answer": row({
    aim: "clients",
    summary: "perform API calls, but cut the connection in the place of the answer",
    means: atServer,
    undone: ruleGone,
    parameters: api.clientParameters,
    inject: api.loseAnswers,
  }),
  "api-delay": row({
    aim: "clients",
    summary: "perform API calls late",
    means: atServer,
    undone: "the rule goes; calls that wait still wait their time",
    parameters: { ...api.clientParameters, delayMs: delay("how late, in milliseconds") },
    inject: api.delayCalls,
  }),
  "api-drop-watches": row({
    aim: "clients",
    summary: "cut watches, those that are open and every new one",
    means: atServer,
    undone: ruleGone,
    parameters: {
      ...api.clientParameters,
      afterMs: integer("how long a new watch lives, in milliseconds (default 1000)", { min: 0, max: 600_000 }),
    },
    inject: api.dropWatches,
  }),
  "dns-delay": row({
    aim: "askers",
    summary: "answer DNS queries late",
    means: inDns,
    undone: ruleGone,
    parameters: { ...dns.dnsParameters, delayMs: delay("how late, in milliseconds") },
    inject: dns.delayAnswers,
  }),
  "dns-error": row({
    aim: "askers",
    summary: "refuse DNS queries",
    means: inDns,
    undone: ruleGone,
    parameters: { ...dns.dnsParameters, code: choice("the answer (default SERVFAIL)", dns.dnsCodes) },
    inject: dns.refuseNames,
  }),
  "dns-stale": row({
    aim: "askers",
    summary: "answer DNS queries with what was true some time ago, as a cache does",
    means: `${inDns}, answering from a second zone that hears of changes late`,
    undone: "the rule and its zone go",
    parameters: {
      ...dns.dnsParameters,
      ageMs: needed(integer("how long ago, in milliseconds, but not before the fault", { min: 1, max: dayMs })),
    },
    inject: dns.staleAnswers,
  }),
  "dns-negative-cache": row({
    aim: "askers",
    summary: 'go on answering "no such name" once that has been said',
    means: inDns,
    undone: "the rule and what it remembers go",
    parameters: {
      ...dns.dnsParameters,
      ttlMs: needed(integer("for how long, in milliseconds", { min: 1, max: dayMs })),
    },
    inject: dns.cacheNegatives,
  }),
  "clock-skew": row({
    aim: "pods",
    summary: "set the clock of pods wrong; monotonic clocks and timers stay right",
    means: `${viaPreload}: Date is replaced`,
    undone: "the file goes, and the clock jumps back",
    parameters: {
      ...podParameters,
      offsetMs: integer("how far ahead, in milliseconds; negative for behind (default 0)", {
        min: -3650 * dayMs,
        max: 3650 * dayMs,
      }),
      rate: number("how fast it runs (default 1)", { min: 0, max: 1000 }),
    },
    inject: live.skewClock,
  }),
  "volume-full": row({
    aim: "pods",
    summary: "let writes to a volume fail with ENOSPC",
    means: `${viaPreload}: node:fs is wrapped`,
    undone: fileGone,
    parameters: onVolume,
    inject: live.fillVolume,
  }),
  "fsync-delay": row({
    aim: "pods",
    summary: "let fsync and fdatasync take longer",
    means: `${viaPreload}: node:fs is wrapped`,
    undone: fileGone,
    parameters: { ...onVolume, delayMs: delay("how much longer, in milliseconds") },
    inject: live.slowSync,
  }),
  "fsync-error": row({
    aim: "pods",
    summary: "let fsync and fdatasync fail",
    means: `${viaPreload}: node:fs is wrapped`,
    undone: fileGone,
    parameters: { ...onVolume, code: choice("the error (default EIO)", live.diskCodes) },
    inject: live.failSync,
  }),
  "node-stop": row({
    aim: "node",
    summary: "take a node away as a power failure would",
    means: "its pods' processes are killed, its Lease is renewed no longer, its kubelet is silent",
    undone: "the kubelet of the node starts: it ends what is no longer wanted and restarts the rest",
    parameters: {
      node: needed(text("the node's name")),
      outOfService: boolean("whether to taint it out-of-service, so that its pods move at once (default false)"),
    },
    inject: stopNode,
  }),
};

export type FaultKind = keyof typeof faultTable;

/** What every fault takes. */
export const commonParameters = {
  durationMs: integer("how long it lasts, in milliseconds (default: until it is cleared)", {
    min: 1,
    max: 365 * dayMs,
  }),
};

type Common = ValuesOf<typeof commonParameters>;

/** A fault of any kind, typed by kind: `{ kind: "clock-skew", pods: ["db-0"], offsetMs: 3_600_000 }`. */
export type FaultSpec = {
  [K in FaultKind]: { readonly kind: K } & Common & ValuesOf<(typeof faultTable)[K]["parameters"]>;
}[FaultKind];

/** The row of a kind, for those who hold a kind that is known at run time only; undefined for none of ours. */
export const findFaultRow = (kind: unknown): FaultRow<Parameters> | undefined =>
  typeof kind === "string" && Object.hasOwn(faultTable, kind)
    ? (faultTable[kind as FaultKind] as unknown as FaultRow<Parameters>)
    : undefined;

export const faultKinds = Object.keys(faultTable) as readonly FaultKind[];
