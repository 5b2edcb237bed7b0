import { Backoff, type KubeClient, resources } from "@coracle/kube";
import { pause } from "./deadline.ts";
import type { Election } from "./election/types.ts";
import { messageOf } from "./errors.ts";
import { silentLogger } from "./logging/logger.ts";
import type { Logger } from "./logging/types.ts";

export interface RoleLabelOptions {
  readonly kube: KubeClient;
  readonly identity: { readonly name: string; readonly namespace: string };
  readonly election: Pick<Election, "subscribe">;
  /** Value while leading, such as "master". */
  readonly word: string;
  /** Value while following; without it the label is removed. */
  readonly followerWord?: string;
  /** Default "role". */
  readonly label?: string;
  readonly logger?: Logger;
}

/**
 * Keeps the label of this pod as a consequence of its term, for Services to select; never the other way round. Starts by clearing what
 * an earlier incarnation left. RBAC: `patch` on pods. `stop` resolves after the label is gone, or after two seconds at most.
 */
export function keepRoleLabel(options: RoleLabelOptions): { stop(): Promise<void> } {
  const keeper = new RoleLabel(options);
  keeper.start();
  return keeper;
}

const stopWithinMs = 2_000;

class RoleLabel {
  readonly #options: RoleLabelOptions;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  #unsubscribe: () => void = () => undefined;
  #wanted: string | null = null;
  /** What the API server last acknowledged; undefined: unknown. */
  #written: string | null | undefined;
  #isSettling = false;
  #work: Promise<void> = Promise.resolve();
  #interrupt = new AbortController();

  constructor(options: RoleLabelOptions) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
  }

  start(): void {
    const { election, word, followerWord = null } = this.#options;
    this.#unsubscribe = election.subscribe(({ term }) => this.#want(term ? word : followerWord));
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    const timer = setTimeout(() => this.#stopping.abort(), stopWithinMs);
    this.#want(null);
    await this.#work;
    clearTimeout(timer);
    this.#stopping.abort();
  }

  #want(value: string | null): void {
    this.#wanted = value;
    this.#interrupt.abort();
    if (!this.#isSettling) this.#work = this.#settle();
  }

  /** Writes until what is written is what is wanted; a change of mind cuts the wait short. */
  async #settle(): Promise<void> {
    const backoff = new Backoff({ minMs: 100, maxMs: 5_000 });
    this.#isSettling = true;
    while (this.#written !== this.#wanted && !this.#stopping.signal.aborted) {
      this.#interrupt = new AbortController();
      const waitMs = await this.#attempt(backoff);
      if (waitMs > 0) await pause(waitMs, AbortSignal.any([this.#interrupt.signal, this.#stopping.signal]));
    }
    this.#isSettling = false;
  }

  /** One write; returns how long to wait before the next. */
  async #attempt(backoff: Backoff): Promise<number> {
    const value = this.#wanted;
    try {
      await this.#write(value);
      this.#written = value;
      return 0;
    } catch (error) {
      this.#written = undefined;
      const waitMs = Math.round(backoff.next());
      this.#logger.warn("the role label can't be written; retrying", { reason: messageOf(error), waitMs });
      return waitMs;
    }
  }

  async #write(value: string | null): Promise<void> {
    const { kube, identity, label = "role" } = this.#options;
    const patch = { metadata: { labels: { [label]: value } } };
    const { namespace } = identity;
    await kube.patch(resources.pods, identity.name, patch, {
      namespace,
      signal: this.#stopping.signal,
      timeoutMs: 3_000,
    });
    this.#logger.debug("role label written", { [label]: value });
  }
}
