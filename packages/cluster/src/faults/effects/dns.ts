/** Faults of cluster DNS, each for some pods and names only. */

import type { Clock, Registry } from "../../machinery/types.ts";
import { followCluster } from "../../network/dns/cluster-zone.ts";
import { writeRefusal } from "../../network/dns/message.ts";
import { canonical, rcodes } from "../../network/dns/resolve.ts";
import type { DnsQuery } from "../../network/dns/responder.ts";
import type { DnsRule } from "../dns-faults.ts";
import { texts } from "../parameter.ts";
import { isAimedAtPods, type PodTarget, podParameters, podsOf } from "../targets.ts";
import type { FaultWorld, Injected } from "../types.ts";

/** What every fault of DNS takes. Without any: all askers, all names. */
export const dnsParameters = {
  ...podParameters,
  names: texts("only these names: the whole name, its first labels (web.demo) or a domain that it lies in"),
};

export interface DnsTarget extends PodTarget {
  readonly names?: readonly string[] | undefined;
}

export const delayAnswers = (target: DnsTarget & { readonly delayMs: number }, world: FaultWorld): Injected =>
  meet(target, world, async (_, answer) => {
    await new Promise<void>((resolve) => void world.clock.after(target.delayMs, resolve));
    return answer();
  });

const codes = { SERVFAIL: rcodes.servFail, NXDOMAIN: rcodes.nxDomain, REFUSED: rcodes.refused } as const;
export const dnsCodes = ["SERVFAIL", "NXDOMAIN", "REFUSED"] as const;

export const refuseNames = (
  { code = "SERVFAIL", ...target }: DnsTarget & { readonly code?: keyof typeof codes | undefined },
  world: FaultWorld,
): Injected => meet(target, world, async (query) => writeRefusal(query, codes[code]));

/** Answers from a zone that hears of every change `ageMs` late: what a cache with such a TTL would still say. */
export function staleAnswers(target: DnsTarget & { readonly ageMs: number }, world: FaultWorld): Injected {
  const delayed = delayedChanges(world.store, world.clock, target.ageMs);
  const { zone, stop } = followCluster(delayed, world.plan);
  const injected = meet(target, world, (_, answer) => answer(zone));
  return {
    ...injected,
    undo: () => {
      injected.undo();
      stop();
    },
  };
}

/** The registry as it was `ageMs` ago, but never older than now: what is present is told at once. */
function delayedChanges(store: Registry, clock: Clock, ageMs: number): Pick<Registry, "subscribe"> {
  return {
    subscribe(resource, listener) {
      let isLive = false;
      let isOver = false;
      const unsubscribe = store.subscribe(resource, (change) => {
        if (isLive) clock.after(ageMs, () => isOver || listener(change));
        else listener(change);
      });
      isLive = true;
      return () => {
        isOver = true;
        unsubscribe();
      };
    },
  };
}

const maxRemembered = 10_000;
const rcodeOf = (reply: Buffer): number => reply.readUInt8(3) & 0xf;
const answersIn = (reply: Buffer): number => reply.readUInt16BE(6);
const isNegative = (reply: Buffer): boolean =>
  rcodeOf(reply) === rcodes.nxDomain || (rcodeOf(reply) === rcodes.noError && answersIn(reply) === 0);

interface Remembered {
  readonly reply: Buffer;
  readonly untilMs: number;
}

/** Who was once told that there is nothing is told so again for `ttlMs`. */
export function cacheNegatives(target: DnsTarget & { readonly ttlMs: number }, world: FaultWorld): Injected {
  const remembered = new Map<string, Remembered>();
  return meet(target, world, async (query, answer) => {
    const key = `${query.asker} ${query.question.type} ${canonical(query.question.name)}`;
    const known = remembered.get(key);
    if (known !== undefined && known.untilMs > world.clock.now()) return withId(known.reply, query.id);
    const reply = await answer();
    if (reply && isNegative(reply) && remembered.size < maxRemembered)
      remembered.set(key, { reply, untilMs: world.clock.now() + target.ttlMs });
    return reply;
  });
}

/** The same answer to another query: the number that joins the two comes first. */
function withId(reply: Buffer, id: number): Buffer {
  const copy = Buffer.from(reply);
  copy.writeUInt16BE(id, 0);
  return copy;
}

function meet(target: DnsTarget, world: FaultWorld, strike: DnsRule["strike"]): Injected & { undo(): void } {
  const isAsker = ({ asker }: DnsQuery): boolean =>
    !isAimedAtPods(target) || podsOf(world.store, target).some(({ status }) => status?.podIP === asker);
  const undo = world.dns.add({ meets: (query) => isAsker(query) && isAbout(query, target.names), strike });
  return {
    affected: podsOf(world.store, target).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
    undo,
  };
}

function isAbout({ question }: DnsQuery, names: readonly string[] | undefined): boolean {
  if (names === undefined) return true;
  const asked = canonical(question.name);
  return names
    .map(canonical)
    .some((name) => asked === name || asked.startsWith(`${name}.`) || asked.endsWith(`.${name}`));
}
