/** A replicated log of one member, in memory: commits at once. Its role and failures can be set, to see what the server makes of them. */
import { LeaseLogError, type LogStatus, type ReplicatedLog, type StateMachine } from "@coracle/lease-log";

export interface SoloLog extends ReplicatedLog {
  /** Entries proposed so far. */
  readonly entries: number;
  become(change: Partial<LogStatus>): void;
  /** Rejects proposals with this from now on. */
  failWith(error: LeaseLogError | undefined): void;
}

export function soloLog(machine: StateMachine): SoloLog {
  let overrides: Partial<LogStatus> = {};
  let failure: LeaseLogError | undefined;
  let entries = 0;
  const listeners = new Set<(state: { role: LogStatus["role"]; primary: string | undefined; epoch: number }) => void>();
  const status = (): LogStatus => ({
    id: "solo-0",
    role: "primary",
    primary: "solo-0",
    epoch: 1,
    mode: "sync",
    last: machine.applied(),
    commitIndex: machine.applied().index,
    applied: machine.applied(),
    inSync: ["solo-0"],
    replicas: [],
    staleMs: 0,
    blocked: undefined,
    ...overrides,
  });
  const refusal = () =>
    status().role === "primary"
      ? undefined
      : new LeaseLogError("not-primary", "not here", { primary: status().primary });
  return {
    get entries() {
      return entries;
    },
    become: (change) => {
      overrides = { ...overrides, ...change };
      for (const listener of listeners) listener(status());
    },
    failWith: (error) => {
      failure = error;
    },
    start: async () => undefined,
    stop: async () => undefined,
    propose: async (command) => {
      const error = failure ?? refusal();
      if (error) throw error;
      entries++;
      return machine.apply([{ epoch: 1, index: machine.applied().index + 1, command }])[0];
    },
    refusal,
    canRead: () => refusal() === undefined,
    readBarrier: async () => {
      const error = refusal();
      if (error) throw error;
    },
    candidacy: () => ({}),
    switchover: async () => {
      throw new LeaseLogError("switchover-failed", "there is nobody else");
    },
    status,
    subscribe: (listener) => {
      listeners.add(listener);
      listener(status());
      return () => listeners.delete(listener);
    },
  };
}
