/** Comes between pods and cluster DNS. */
import type { DnsIntercept, DnsQuery } from "../network/dns/responder.ts";
import type { Zone } from "../network/dns/zone.ts";

/** Answers a query: from the cluster's own zone, or from another. */
export type Answer = (zone?: Zone) => Promise<Buffer | undefined>;

export interface DnsRule {
  readonly meets: (query: DnsQuery) => boolean;
  /** What the asker is told in the place of what `answer` says; undefined for nothing at all. */
  readonly strike: (query: DnsQuery, answer: Answer) => Promise<Buffer | undefined>;
}

export class DnsFaults {
  readonly #rules = new Set<DnsRule>();

  /** Later faults come before earlier ones: they get the answer that those have spoilt. */
  readonly intercept: DnsIntercept = (query, answer) => {
    let spoilt: Answer = answer;
    for (const { meets, strike } of this.#rules) {
      if (!meets(query)) continue;
      const next = spoilt;
      spoilt = (zone) => strike(query, (other) => next(other ?? zone));
    }
    return spoilt();
  };

  /** Puts the rule in force; the result ends it. */
  add(rule: DnsRule): () => void {
    this.#rules.add(rule);
    return () => void this.#rules.delete(rule);
  }
}
