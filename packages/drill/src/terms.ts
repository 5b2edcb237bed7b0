/** Who leads, as the Lease or the members say it, with the moment at which each term was seen to begin. */
import { setTimeout as delay } from "node:timers/promises";
import { type KubeWatch, resources } from "@coracle/kube";
import type { Lease } from "kubernetes-types/coordination/v1.js";
import type { Access, DrillPlugin } from "./plugin.ts";
import type { Site } from "./site.ts";

export interface Term {
  readonly holder: string;
  readonly transitions: number;
  readonly atMs: number;
}

export interface Terms {
  /** The holder now; undefined while nobody holds the Lease. */
  leader(): string | undefined;
  /** Number of the newest term seen; rises with every election. */
  newest(): number;
  /** The first term after the one of that number. */
  after(transitions: number): Term | undefined;
  stop(): void;
}

/** Resolves once it is known who leads, or that nobody does. */
export const followTerms = (
  site: Site,
  leader: DrillPlugin["leader"],
  access: Access,
  now: () => number,
): Promise<Terms> => (typeof leader === "string" ? followLease(site, leader, now) : askMembers(leader, access, now));

const POLL_MS = 25;

/** A member that leads no more may not know it yet: only a newer term counts. */
async function askMembers(
  ask: Exclude<DrillPlugin["leader"], string>,
  access: Access,
  now: () => number,
): Promise<Terms> {
  const terms: Term[] = [];
  let leader: string | undefined;
  let isStopped = false;
  const look = async (): Promise<void> => {
    const found = await ask(access).catch(() => undefined);
    const newest = terms.at(-1)?.transitions ?? -1;
    if (found && found.term >= newest) leader = found.name;
    if (found && found.term > newest) terms.push({ holder: found.name, transitions: found.term, atMs: now() });
  };
  const poll = async (): Promise<void> => {
    while (!isStopped) {
      await delay(POLL_MS);
      await look();
    }
  };
  await look();
  void poll();
  return {
    leader: () => leader,
    newest: () => terms.at(-1)?.transitions ?? -1,
    after: (transitions) => terms.find((term) => term.transitions > transitions),
    stop: () => {
      isStopped = true;
    },
  };
}

async function followLease(site: Site, lease: string, now: () => number): Promise<Terms> {
  const terms: Term[] = [];
  let leader: string | undefined;
  const watch = site.kube.watch(resources.leases, {
    namespace: site.namespace,
    fieldSelector: `metadata.name=${lease}`,
  });
  const see = ({ spec }: Lease): void => {
    leader = spec?.holderIdentity || undefined;
    const transitions = spec?.leaseTransitions ?? 0;
    if (leader !== undefined && transitions > (terms.at(-1)?.transitions ?? -1))
      terms.push({ holder: leader, transitions, atMs: now() });
  };
  await new Promise<void>((resolve) => void follow(watch, see, resolve));
  return {
    leader: () => leader,
    newest: () => terms.at(-1)?.transitions ?? -1,
    after: (transitions) => terms.find((term) => term.transitions > transitions),
    stop: () => watch.stop(),
  };
}

async function follow(watch: KubeWatch<Lease>, see: (lease: Lease) => void, onKnown: () => void): Promise<void> {
  for await (const event of watch) {
    if (event.type === "replaced") {
      for (const lease of event.objects) see(lease);
      onKnown();
    } else if (event.type !== "deleted") see(event.object);
  }
}
