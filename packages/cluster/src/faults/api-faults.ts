/** Comes between clients and the API server. */
import type { ServerResponse } from "node:http";
import type { Call, RequestFaults } from "../apiserver/context.ts";

/** One fault: whose calls it meets, and what it does to them. */
export interface ApiRule {
  readonly meets: (call: Call) => boolean;
  /** Resolves with whether the request goes on; rejects with the StatusError to answer. */
  readonly strike: (call: Call) => Promise<boolean>;
}

const group = "faults.coracle.dev";

export class ApiFaults implements RequestFaults {
  readonly #rules = new Set<ApiRule>();
  readonly #watches = new Set<Call>();

  meet(call: Call): Promise<boolean> | undefined {
    // Discovery and faults themselves are always answered: whoever injected a fault must be able to clear it.
    if (!call.info.isResource || call.info.group === group) return undefined;
    if (call.info.verb === "watch") this.#remember(call);
    const met = [...this.#rules].filter(({ meets }) => meets(call));
    return met.length === 0 ? undefined : strikeInTurn(met, call);
  }

  /** Puts the rule in force; the result ends it. */
  add(rule: ApiRule): () => void {
    this.#rules.add(rule);
    return () => void this.#rules.delete(rule);
  }

  /** Cuts the watches that are open now, and says how many. */
  cutWatches(meets: (call: Call) => boolean): number {
    const calls = [...this.#watches].filter(meets);
    for (const { response } of calls) cut(response);
    return calls.length;
  }

  #remember(call: Call): void {
    this.#watches.add(call);
    call.response.once("close", () => this.#watches.delete(call));
  }
}

async function strikeInTurn(rules: readonly ApiRule[], call: Call): Promise<boolean> {
  for (const rule of rules) if (!(await rule.strike(call))) return false;
  return true;
}

/** Ends the connection without a word. */
export const cut = (response: ServerResponse): void => void response.socket?.destroy();

/** Resolves when the client has gone. */
export const gone = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    if (response.destroyed || response.closed) resolve();
    else response.once("close", () => resolve());
  });

/** Makes the answer, whenever it comes, cut the connection instead. */
export function loseAnswer(response: ServerResponse): void {
  const lose = (): boolean => {
    cut(response);
    return false;
  };
  const end = (): ServerResponse => {
    lose();
    return response;
  };
  Object.assign(response, { write: lose, flushHeaders: lose, end });
}
