/** The arbiter of a server without Kubernetes: this process is the primary for as long as it runs. The folder's lock keeps it alone. */
import { type Arbiter, type ArbiterRecord, type Candidacy, type LeaderTerm, LeaseLogError } from "@coracle/lease-log";
import { KvStoreError } from "../errors.ts";

type State = { readonly observed: ArbiterRecord | undefined; readonly term: LeaderTerm | undefined };

export interface LocalArbiter extends Arbiter {
  /** Takes the lead. Rejects with `bad-config` when the data here says that it can't be led alone. */
  start(candidacy: (record: ArbiterRecord | undefined) => Candidacy): Promise<void>;
  stop(): Promise<void>;
}

export function createLocalArbiter(id: string): LocalArbiter {
  const listeners = new Set<(state: State) => void>();
  let observed: ArbiterRecord | undefined;
  let lead: { readonly term: LeaderTerm; readonly end: AbortController } | undefined;

  const publish = (): void => {
    for (const listener of listeners) listener({ observed, term: lead?.term });
  };
  const end = (reason: string): void => {
    lead?.end.abort(new LeaseLogError("closed", reason));
    lead = undefined;
    publish();
  };

  return {
    get observed() {
      return observed;
    },
    get term() {
      return lead?.term;
    },
    start: async (candidacy) => {
      const answer = candidacy(undefined);
      if ("abstain" in answer) throw notAlone(answer.abstain);
      const epoch = (answer.epochAbove ?? 0) + 1;
      observed = { holder: id, epoch, annotations: withoutNulls(answer.annotations ?? {}) };
      lead = termOf(epoch);
      publish();
    },
    stop: async () => end("the server stops"),
    stepDown: async (reason) => end(reason),
    annotate: async (change) => {
      if (!observed || !lead) throw new LeaseLogError("not-primary", "this process leads no more");
      observed = {
        ...observed,
        annotations: withoutNulls({ ...observed.annotations, ...change(observed.annotations) }),
      };
      publish();
      return observed;
    },
    subscribe: (listener) => {
      listeners.add(listener);
      listener({ observed, term: lead?.term });
      return () => listeners.delete(listener);
    },
  };
}

function termOf(epoch: number): { readonly term: LeaderTerm; readonly end: AbortController } {
  const end = new AbortController();
  const isValid = (): boolean => !end.signal.aborted;
  const remainingMs = (): number => (isValid() ? Number.MAX_SAFE_INTEGER : 0);
  return { term: { epoch, signal: end.signal, isValid, remainingMs }, end };
}

const withoutNulls = (annotations: Readonly<Record<string, string | null>>): Record<string, string> =>
  Object.fromEntries(Object.entries(annotations).filter((entry): entry is [string, string] => entry[1] !== null));

const notAlone = (why: string): KvStoreError =>
  new KvStoreError(
    "bad-config",
    `This folder's data can't be served alone: ${why}. It belongs to a replicated kvstore; start it there, or restore a backup into an empty folder.`,
  );
