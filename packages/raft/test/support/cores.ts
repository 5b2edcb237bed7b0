/** Cores of one group, driven by hand: messages wait until they are delivered, and disks are as quick as the test wants. */
import { Core } from "../../src/core/core.ts";
import { NOBODY } from "../../src/core/membership.ts";
import type { Message } from "../../src/core/messages.ts";
import type { Batch, CoreConfig, Input, LogEntry, Membership } from "../../src/core/types.ts";

export interface Envelope {
  readonly from: string;
  readonly to: string;
  readonly message: Message;
}

export const membershipOf = (voters: string, learners = ""): Membership => ({
  members: [...voters, ...learners].map((id) => ({ id, name: id, address: "h:1", isLearner: learners.includes(id) })),
  removed: [],
});

export const entry = (index: number, term: number, text?: string): LogEntry =>
  text === undefined ? { index, term } : { index, term, command: Buffer.from(text) };

export const BASE = { index: 0, term: 0, membership: NOBODY };

export class Cores {
  readonly cores = new Map<string, Core>();
  /** On the way, oldest first. */
  mail: Envelope[] = [];
  /** Ids whose disks don't become durable by themselves. */
  readonly slow = new Set<string>();
  readonly batches = new Map<string, Batch[]>();
  readonly transcript: string[] = [];
  readonly #config: Partial<CoreConfig>;

  /** Members `abc` as voters. */
  constructor(voters: string, config: Partial<CoreConfig> = {}) {
    this.#config = config;
    for (const id of voters) this.add(id, [{ index: 1, term: 1, membership: membershipOf(voters) }]);
  }

  add(id: string, entries: readonly LogEntry[], term = entries.at(-1)?.term ?? 0): Core {
    const config: CoreConfig = {
      id,
      electionTicks: 10,
      heartbeatTicks: 2,
      random: () => 0,
      maxAppendBytes: 1000,
      maxInflight: 4,
      maxInflightBytes: 4000,
      maxUncommittedBytes: 2000,
      maxReads: 3,
      promoteLagEntries: 2,
      maxMembers: 7,
      ...this.#config,
    };
    const core = new Core(config, { hardState: { term, vote: undefined }, base: BASE, entries, applied: 0 });
    this.cores.set(id, core);
    this.batches.set(id, []);
    return core;
  }

  get(id: string): Core {
    const core = this.cores.get(id);
    if (!core) throw new RangeError(`there is no ${id}`);
    return core;
  }

  step(id: string, input: Input): Batch {
    const batch = this.get(id).step(input);
    this.batches.get(id)?.push(batch);
    this.#note(id, input, batch);
    for (const { to, message } of batch.sends) this.mail.push({ from: id, to, message });
    if (batch.append && !this.slow.has(id)) this.step(id, { type: "durable", write: batch.append.write });
    return batch;
  }

  tick(id: string, count = 1): void {
    for (let i = 0; i < count; i++) this.step(id, { type: "tick" });
  }

  /** Delivers everything, and what that causes, but for what `drop` says; who is not there gets nothing. */
  settle(drop: (envelope: Envelope) => boolean = () => false): void {
    for (let i = 0; this.mail.length > 0; i++) {
      if (i > 100_000) throw new RangeError("messages without end");
      const envelope = this.mail.shift() as Envelope;
      if (!drop(envelope) && this.cores.has(envelope.to)) this.deliver(envelope);
    }
  }

  deliver({ from, to, message }: Envelope): Batch {
    return this.step(to, { type: "message", from, message });
  }

  /** Hands a message in as if `from` had sent it, and returns the answers. */
  say(from: string, to: string, message: Message): readonly Message[] {
    const before = this.mail.length;
    this.deliver({ from, to, message });
    return this.mail.splice(before).map((each) => each.message);
  }

  /** Lets `id` win an election. */
  elect(id: string, drop?: (envelope: Envelope) => boolean): Core {
    for (let i = 0; i < 40 && !this.get(id).isLeading; i++) {
      for (const other of this.cores.keys())
        if (other !== id && !this.get(other).isLeading)
          this.step(other, { type: "peer-down", id: this.get(other).leader ?? "" });
      this.tick(id);
      this.settle(drop);
    }
    if (!this.get(id).isLeading) throw new RangeError(`${id} was not elected`);
    return this.get(id);
  }

  propose(id: string, ...texts: string[]): Batch {
    return this.step(id, { type: "propose", commands: texts.map((text) => Buffer.from(text)) });
  }

  terms(id: string): readonly number[] {
    const core = this.get(id);
    return core.entries(core.base.index + 1, core.last).map((each) => each.term);
  }

  #note(id: string, input: Input, batch: Batch): void {
    const what = input.type === "message" ? `${input.from}: ${input.message.type}` : input.type;
    const { hardState, append, applyTo } = batch;
    const effects = [
      hardState && `persist term ${hardState.term} vote ${hardState.vote ?? "-"}`,
      append && `write ${append.entries.map((each) => `${each.index}/${each.term}`).join(" ")}`,
      ...batch.sends.map(({ to, message }) => `${to} <- ${describe(message)}`),
      applyTo !== undefined && `apply to ${applyTo}`,
      ...batch.reads.map((read) => `read ${read.id} at ${read.index}`),
    ].filter(Boolean);
    if (effects.length > 0) this.transcript.push(`${id} (${what}): ${effects.join("; ")}`);
  }
}

function describe(message: Message): string {
  const { type, term } = message;
  if (type === "vote")
    return `${message.isPre ? "pre-vote" : "vote"} ${term} with ${message.lastIndex}/${message.lastTerm}`;
  if (type === "vote-reply") return `${message.isGranted ? "granted" : "refused"} ${term}`;
  if (type === "append") {
    const entries = message.entries.map((each) => `${each.index}/${each.term}`).join(" ");
    return `append ${term} after ${message.prevIndex}/${message.prevTerm} [${entries}] commit ${message.commit}`;
  }
  if (type === "append-reply") return `holds ${message.match}`;
  if (type === "append-reject") return `not ${message.prevIndex}, perhaps ${message.hintIndex}/${message.hintTerm}`;
  if (type === "heartbeat") return `heartbeat ${term} round ${message.round} commit ${message.commit}`;
  if (type === "heartbeat-reply") return `round ${message.round}`;
  return `${type} ${term}`;
}
