/** Follows the fault objects: injects what is created, undoes what is deleted or over, and writes down what became of it. */
import { timestamp } from "../controllers/harness/time.ts";
import { messageOf } from "../kubelet/errors.ts";
import type { Change, Stored } from "../machinery/types.ts";
import { FaultError } from "./errors.ts";
import { type FaultSpec, findFaultRow } from "./table.ts";
import { type Fault, type FaultStatus, type FaultWorld, faultResource, type Injected } from "./types.ts";

/** How long a fault that is over stays listed. */
const keepMs = 60_000;
const maxListed = 100;

export class FaultInjector {
  readonly #world: FaultWorld;
  readonly #report: (error: unknown) => void;
  /** What is being done for a fault, by uid: one thing after the other, so that it is never undone before it has been done. */
  readonly #turns = new Map<string, Promise<void>>();
  readonly #active = new Map<string, Injected>();
  readonly #timers = new Map<string, () => void>();
  #unsubscribe: (() => void) | undefined;

  constructor(world: FaultWorld, report: (error: unknown) => void = console.error) {
    this.#world = world;
    this.#report = report;
  }

  /** Removes the faults that an earlier run of the cluster left, then begins. */
  async start(): Promise<void> {
    const { store } = this.#world;
    for (const fault of store.list(faultResource)) {
      if (fault.spec?.kind === "pause") this.#thaw(fault);
      await store.delete(faultResource, "", fault.metadata.name);
    }
    this.#unsubscribe = store.subscribe(faultResource, (change) => this.#changed(change));
  }

  /** Pods outlive a cluster that crashes, and stopped ones stay stopped. */
  #thaw({ status }: Fault): void {
    for (const pod of status?.affected ?? []) {
      const [namespace = "", name = ""] = pod.split("/");
      this.#world.machines.thawPod({ namespace, name });
    }
  }

  /** Resolves when everything that was asked of the fault so far has been done. */
  async settled(uid: string): Promise<void> {
    await this.#turns.get(uid);
  }

  /** Undoes and removes all faults. */
  async stop(): Promise<void> {
    const { store } = this.#world;
    await Promise.all(store.list(faultResource).map(({ metadata }) => store.delete(faultResource, "", metadata.name)));
    await Promise.all(this.#turns.values());
    this.#unsubscribe?.();
  }

  #changed({ type, object }: Change<Fault>): void {
    const { uid } = object.metadata;
    if (type === "ADDED") this.#queue(uid, () => this.#inject(object));
    if (type === "DELETED") this.#queue(uid, () => this.#undo(uid));
  }

  #queue(uid: string, work: () => Promise<void>): void {
    const before = this.#turns.get(uid) ?? Promise.resolve();
    const turn = before.then(work).catch((error) => this.#report(error));
    this.#turns.set(uid, turn);
    void turn.then(() => {
      if (this.#turns.get(uid) === turn) this.#turns.delete(uid);
    });
  }

  async #inject(fault: Stored<Fault>): Promise<void> {
    const { uid, name } = fault.metadata;
    const { kind, durationMs, ...values } = fault.spec as FaultSpec;
    const startTime = timestamp(this.#world.clock.now());
    try {
      const injected = await findFaultRow(kind)?.inject(values, this.#world, { name, uid });
      const affected = (injected?.affected ?? []).slice(0, maxListed);
      await this.#write(fault, { phase: injected?.undo ? "Active" : "Over", affected, startTime });
      if (injected?.undo) this.#hold(fault, injected, durationMs);
      else this.#forgetLater(fault);
    } catch (error) {
      if (!(error instanceof FaultError)) this.#report(error);
      await this.#write(fault, { phase: "Failed", message: messageOf(error), startTime });
      this.#forgetLater(fault);
    }
  }

  #hold(fault: Stored<Fault>, injected: Injected, durationMs: number | undefined): void {
    const { uid } = fault.metadata;
    this.#active.set(uid, injected);
    if (durationMs === undefined) return;
    this.#timers.set(
      uid,
      this.#world.clock.after(durationMs, () => this.#queue(uid, () => this.#end(fault))),
    );
  }

  /** Its time is up. */
  async #end(fault: Stored<Fault>): Promise<void> {
    await this.#undo(fault.metadata.uid);
    const endTime = timestamp(this.#world.clock.now());
    await this.#write(fault, { phase: "Over", endTime });
    this.#forgetLater(fault);
  }

  async #undo(uid: string): Promise<void> {
    this.#timers.get(uid)?.();
    this.#timers.delete(uid);
    const injected = this.#active.get(uid);
    this.#active.delete(uid);
    await injected?.undo?.();
  }

  #forgetLater({ metadata }: Stored<Fault>): void {
    const { store, clock } = this.#world;
    const preconditions = { uid: metadata.uid };
    const forget = () => void store.delete(faultResource, "", metadata.name, { preconditions }).catch(() => undefined);
    this.#timers.set(metadata.uid, clock.after(keepMs, forget));
  }

  async #write({ metadata: { name, uid } }: Stored<Fault>, status: FaultStatus): Promise<void> {
    const change = (draft: Fault): false | undefined => {
      if (draft.metadata?.uid !== uid) return false;
      draft.status = { ...draft.status, ...status };
      return undefined;
    };
    await this.#world.store.modify(faultResource, "", name, change, {
      subresource: "status",
      fieldManager: "fault-injector",
    });
  }
}
