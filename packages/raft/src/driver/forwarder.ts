/** Takes waiting proposals to whoever leads: into the own core, or to the leader in batches. */
import { type WireEndpoint, workAtEndOfTurn } from "@coracle/wire";
import type { Core } from "../core/core.ts";
import { RaftError } from "../errors.ts";
import { decodeEntries, encodeEntries } from "./codec.ts";
import type { Machine } from "./machine.ts";
import type { Proposal, Proposals } from "./proposals.ts";
import { fromRemote } from "./remote.ts";

const TERM_BYTES = 6;

export class Forwarder {
  readonly #core: Core;
  readonly #machine: Machine;
  readonly #proposals: Proposals;
  readonly #endpoint: WireEndpoint;
  readonly #maxBytes: number;
  readonly #timeoutMs: number;
  #isScheduled = false;

  constructor(
    {
      core,
      machine,
      proposals,
      endpoint,
    }: { core: Core; machine: Machine; proposals: Proposals; endpoint: WireEndpoint },
    { maxBytes, timeoutMs }: { maxBytes: number; timeoutMs: number },
  ) {
    this.#core = core;
    this.#machine = machine;
    this.#proposals = proposals;
    this.#endpoint = endpoint;
    this.#maxBytes = maxBytes;
    this.#timeoutMs = timeoutMs;
  }

  /** Soon: what arrives in the same turn of the event loop goes together. */
  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    workAtEndOfTurn(() => {
      this.#isScheduled = false;
      this.pump();
    });
  }

  pump(): void {
    const { leader } = this.#core;
    while (this.#proposals.hasWaiting && leader !== undefined && this.#core.leader === leader) {
      if (this.#core.isLeading) {
        if (!this.#proposeHere(this.#proposals.take(this.#maxBytes))) return;
      } else if (this.#endpoint.isConnected(leader)) void this.#forward(leader, this.#proposals.take(this.#maxBytes));
      else return;
    }
  }

  /** False when they must wait. */
  #proposeHere(proposals: readonly Proposal[]): boolean {
    let isTaken = true;
    const { term } = this.#core;
    this.#proposals.sent(proposals, term);
    this.#machine.submit(
      { type: "propose", commands: proposals.map(({ bytes }) => bytes) },
      ({ accepted, refused }) => {
        for (const proposal of proposals) proposal.term = accepted?.term ?? term;
        if (!refused) return;
        isTaken = false;
        this.#refused(proposals, term, new RaftError(refused.code, refused.message));
      },
    );
    return isTaken;
  }

  async #forward(leader: string, proposals: readonly Proposal[]): Promise<void> {
    const { term } = this.#core;
    this.#proposals.sent(proposals, term);
    try {
      const entries = proposals.map(({ bytes }) => ({ index: 0, term: 0, command: bytes }));
      const payload = encodeEntries(entries, TERM_BYTES);
      payload.writeUIntBE(term, 0, TERM_BYTES);
      await this.#endpoint.request(leader, "propose", payload, { timeoutMs: this.#timeoutMs });
    } catch (error) {
      // An answer that got lost says nothing: the log will tell.
      this.#refused(proposals, term, fromRemote(error, "indeterminate"));
    }
  }

  #refused(proposals: readonly Proposal[], term: number, error: RaftError): void {
    if (error.code === "no-leader" || error.code === "busy") this.#proposals.putBack(proposals, term);
    else if (error.code !== "indeterminate") this.#proposals.refuse(proposals, term, error);
  }

  /** A follower's proposals, at the leader of the term that it means. Rejects when they were certainly not taken. */
  async take(payload: Uint8Array): Promise<Uint8Array> {
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    const term = bytes.readUIntBE(0, TERM_BYTES);
    const commands = decodeEntries(bytes, TERM_BYTES, 1).flatMap(({ command }) => command ?? []);
    await new Promise<void>((resolve, reject) => {
      this.#machine.submit({ type: "propose", commands, term }, ({ refused }) =>
        refused ? reject(new RaftError(refused.code, refused.message)) : resolve(),
      );
    });
    return new Uint8Array(0);
  }
}
