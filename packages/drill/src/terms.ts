/** Who leads, as the Lease says it, with the moment at which each term was seen to begin. */
import { type KubeWatch, resources } from "@coracle/kube";
import type { Lease } from "kubernetes-types/coordination/v1.js";
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

/** Resolves once the Lease was read. */
export async function followTerms(site: Site, lease: string, now: () => number): Promise<Terms> {
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
