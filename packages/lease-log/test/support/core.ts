/** One core, stepped by hand: what a node decides, without anything around it. */
import { Core } from "../../src/core/core.ts";
import type { InSyncSet, Message } from "../../src/core/messages.ts";
import type { Batch, CoreConfig, Input, Meta, Restored } from "../../src/core/types.ts";
import type { ArbiterRecord, Position } from "../../src/index.ts";
import { DEFAULT_TIMING } from "../../src/options.ts";

export const CONFIG: CoreConfig = {
  id: "a",
  mode: "sync",
  minInSync: 1,
  failsafe: true,
  annotation: "in-sync",
  timing: DEFAULT_TIMING,
  replicaWindowBytes: 1000,
  maxLagEntries: 100,
};

export const setOf = (epoch: number, members: readonly string[], version = 0): InSyncSet => ({
  epoch,
  version,
  members,
});

/** A disk that has seen epoch 4 and holds ten entries of it. */
export const META: Meta = {
  dataId: "D",
  freshDataId: "F",
  epochSeen: 4,
  isComplete: true,
  inSync: setOf(4, ["a", "b"]),
};

export function recordOf(epoch: number, members: readonly string[], holder: string | undefined = "a"): ArbiterRecord {
  const text = JSON.stringify({ dataId: "D", epoch, version: 0, members });
  return { holder, epoch, annotations: { "in-sync": text } };
}

export interface Given {
  readonly config?: Partial<CoreConfig>;
  readonly meta?: Partial<Meta>;
  readonly applied?: number;
}

interface HeartbeatMore {
  readonly commit?: number;
  readonly openIndex?: number;
  readonly until?: number;
  readonly echo?: number;
}

interface AckMore {
  readonly session?: number;
  readonly confirms?: number;
  readonly isComplete?: boolean;
}

/** Node `a`, among `a`, `b` and `c`, at a time and with a term that tests set. */
export class Stepper {
  readonly core: Core;
  now = 1000;
  termLeftMs = 0;

  constructor({ config, meta, applied = 0 }: Given = {}) {
    const restored: Restored = {
      meta: { ...META, ...meta },
      base: { epoch: 0, index: 0 },
      runs: [{ epoch: 4, first: 1 }],
      last: 10,
      applied,
    };
    this.core = new Core({ ...CONFIG, ...config }, restored, 1);
    this.step({ type: "peers", ids: ["a", "b", "c"] });
  }

  step(input: Input): Batch {
    return this.core.step(input, { now: this.now, termLeftMs: this.termLeftMs });
  }

  receive(from: string, message: Message): Batch {
    return this.step({ type: "message", from, message });
  }

  probe(from: string, epoch: number, session = 1): Batch {
    return this.receive(from, { type: "probe", epoch, session, dataId: "D" });
  }

  /** `count` entries of one epoch after `prev`. */
  append(from: string, epoch: number, prev: Position, count: number, commit = 0): Batch {
    const entries = count > 0 ? [{ epoch, count }] : [];
    return this.receive(from, { type: "append", epoch, prev, entries, commit, echo: 0 });
  }

  heartbeat(from: string, epoch: number, more: HeartbeatMore = {}): Batch {
    const { commit = 0, openIndex = 0, until = 0, echo = this.now } = more;
    const inSync = setOf(epoch, ["a", "b"]);
    const confirm = { until, forMs: 2000 };
    return this.receive(from, { type: "heartbeat", epoch, commit, openIndex, inSync, echo, confirm });
  }

  /** Wins `epoch` with a record of `members`; its opening entry is entry 11, not yet durable. */
  lead(epoch: number, members: readonly string[]): Batch {
    this.termLeftMs = 5000;
    return this.step({ type: "arbiter", observed: recordOf(epoch, members), termEpoch: epoch });
  }

  /** Replica `id`, which holds `matched` entries of this log, is sent the rest. */
  connect(id: string, epoch: number, matched = 10): Batch {
    this.state(id, epoch, matched);
    return this.step({ type: "fed", to: id, session: 1, through: this.core.last, sizeBytes: 1, isSent: true });
  }

  /** A replica says that it holds `last` entries of epoch 4, `applied` of them in its state. */
  state(from: string, epoch: number, last: number, { session = 1, applied = 0 } = {}): Batch {
    const shape = { base: { epoch: 0, index: 0 }, runs: [{ epoch: 4, first: 1 }], last };
    return this.receive(from, { type: "state", epoch, session, shape, applied, isLeaving: false });
  }

  ack(from: string, epoch: number, matched: number, more: AckMore = {}): Batch {
    const { session = 1, confirms = 0, isComplete = true } = more;
    const flags = { isLeaving: false, isFull: false, isComplete };
    return this.receive(from, { type: "ack", epoch, session, matched, sentAt: 1, confirms, ...flags });
  }
}
