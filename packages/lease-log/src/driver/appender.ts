/** Turns what the core appends into blocks, writes them, and tells when they are durable. */
import type { Core } from "../core/core.ts";
import type { Batch, Input } from "../core/types.ts";
import { LeaseLogError } from "../errors.ts";
import { type Block, encodeBlock, sliceBlock } from "./entries.ts";
import type { Payload } from "./machine.ts";
import type { Proposals } from "./proposals.ts";
import type { Storage } from "./storage.ts";

const EMPTY = new Uint8Array(0);

export interface AppenderHooks {
  /** More of the log is durable. */
  durable(input: Input): void;
  fail(error: LeaseLogError): void;
}

export class Appender {
  readonly #core: Core;
  readonly #storage: Storage;
  readonly #proposals: Proposals;
  readonly #hooks: AppenderHooks;
  #isTelling = false;

  constructor(core: Core, storage: Storage, proposals: Proposals, hooks: AppenderHooks) {
    this.#core = core;
    this.#storage = storage;
    this.#proposals = proposals;
    this.#hooks = hooks;
  }

  append(append: NonNullable<Batch["append"]>, payload: Payload): void {
    const block = this.#blockOf(append, payload);
    if (payload.proposals) this.#proposals.appended(block.first, payload.proposals);
    this.#storage.append(block).then(
      () => this.#tell(),
      (cause: unknown) =>
        this.#hooks.fail(new LeaseLogError("failed", `the log can't be written: ${String(cause)}`, { cause })),
    );
  }

  #blockOf({ epoch, opens, skip, count }: NonNullable<Batch["append"]>, { proposals, block }: Payload): Block {
    const { last } = this.#core;
    const first = last - count + 1;
    if (opens) return encodeBlock(first, epoch, [EMPTY]);
    if (!proposals)
      return sliceBlock({ first: first - skip, count: skip + count, bytes: block as Buffer }, first, last);
    const commands =
      proposals.length === 1 && proposals[0]
        ? proposals[0].commands
        : proposals.flatMap((proposal) => proposal.commands);
    return encodeBlock(first, epoch, commands);
  }

  /** Appends that shared a sync become durable together: told once. */
  #tell(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    queueMicrotask(() => {
      this.#isTelling = false;
      this.#hooks.durable(durableIn(this.#storage));
    });
  }
}

/**
 * The index is read when the core takes the input, not when it is queued: a truncation may be performed in between, and what it drops and is then written
 * anew is not durable yet.
 */
export const durableIn = (log: { readonly durableIndex: number }): Input => ({
  type: "durable",
  get index() {
    return log.durableIndex;
  },
});
