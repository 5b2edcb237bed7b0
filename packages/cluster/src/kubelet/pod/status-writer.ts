/** Writes a pod's status: one write at a time, and what changes meanwhile goes into the next. */
import { isDeepStrictEqual } from "node:util";
import type { Pod, PodStatus } from "kubernetes-types/core/v1.js";
import { isStatus } from "../../machinery/errors.ts";
import type { Clock, Registry } from "../../machinery/types.ts";

export class StatusWriter {
  readonly #store: Registry;
  readonly #clock: Clock;
  readonly #pod: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly #statusOf: (pod: Pod) => PodStatus;
  #writing: Promise<void> | undefined;
  #isDirty = false;
  #isClosed = false;

  /** `statusOf` is asked at the time of each write, for the object as it then stands. */
  constructor(store: Registry, clock: Clock, { metadata }: Pod, statusOf: (pod: Pod) => PodStatus) {
    this.#store = store;
    this.#clock = clock;
    this.#pod = { namespace: metadata?.namespace ?? "", name: metadata?.name ?? "", uid: metadata?.uid ?? "" };
    this.#statusOf = statusOf;
  }

  /** Something may have changed. */
  report(): void {
    this.#isDirty = true;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Writes what has been reported, and nothing after it. */
  async close(): Promise<void> {
    await this.#writing;
    this.#isClosed = true;
  }

  async #write(): Promise<void> {
    while (this.#isDirty && !this.#isClosed) {
      this.#isDirty = false;
      try {
        await this.#writeOnce();
      } catch (error) {
        if (!isStatus(error, "NotFound")) this.#clock.after(retryMs, () => this.report());
        return;
      }
    }
  }

  async #writeOnce(): Promise<void> {
    const { namespace, name, uid } = this.#pod;
    const change = (draft: Pod): false | undefined => {
      if (draft.metadata?.uid !== uid || isFinal(draft)) return false;
      const status = this.#statusOf(draft);
      if (isDeepStrictEqual(status, draft.status)) return false;
      Object.assign(draft, { status });
      return undefined;
    };
    await this.#store.modify("pods", namespace, name, change, { subresource: "status", fieldManager: "kubelet" });
  }
}

/** A pod that has ended stays as it ended, whatever a later run of the cluster finds. */
const isFinal = ({ status }: Pod): boolean => status?.phase === "Succeeded" || status?.phase === "Failed";

const retryMs = 1_000;
