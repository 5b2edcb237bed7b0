/** Carries out the wish of preferred.ts while this member is primary: looks at the ordinal every second, and on a failure waits a while. */
import { readFile } from "node:fs/promises";
import type { ReplicatedLog } from "@coracle/lease-log";
import type { Election, Logger } from "@coracle/pod";
import { messageOf } from "../errors.ts";
import { readOrdinal } from "./ordinal.ts";
import { HONOURED_ANNOTATION, headStart, nextWishStep } from "./preferred.ts";

const LOOK_MS = 1000;
const RETRY_MS = 10_000;

export interface WishOptions {
  readonly id: string;
  readonly set: string;
  readonly election: Pick<Election, "observed" | "annotate">;
  readonly log: Pick<ReplicatedLog, "status" | "switchover">;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  readonly now?: () => number;
}

export class Wish {
  readonly #options: WishOptions;
  readonly #now: () => number;
  readonly #startedAt: number;
  #wanted: number | undefined;
  #notBefore = 0;
  #lastReason = "";
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: WishOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#startedAt = this.#now();
  }

  /** Reads the ordinal once, then keeps looking. */
  async start(): Promise<void> {
    await this.#read();
    const look = (): void => {
      if (this.#isStopped) return;
      this.#timer = setTimeout(() => void this.check().finally(look), LOOK_MS);
      this.#timer.unref();
    };
    look();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Whether MASTER_ORDINAL names this pod. */
  get isWanted(): boolean {
    return this.#wanted !== undefined && `${this.#options.set}-${this.#wanted}` === this.#options.id;
  }

  /** See `headStart`. */
  abstention(): string | undefined {
    const { observed } = this.#options.election;
    return headStart(this.#state(), observed?.holder !== undefined, this.#now() - this.#startedAt);
  }

  /** One look; never rejects. */
  async check(): Promise<void> {
    try {
      await this.#read();
      if (this.#now() >= this.#notBefore) await this.#act();
    } catch (error) {
      this.#notBefore = this.#now() + RETRY_MS;
      this.#options.logger.warn("the wanted primary can't take over yet", {
        reason: messageOf(error),
        retryMs: RETRY_MS,
      });
    }
  }

  async #act(): Promise<void> {
    const { log, election, logger } = this.#options;
    const status = log.status();
    if (status.role !== "primary") return;
    const step = nextWishStep({ ...this.#state(), inSync: status.inSync });
    if (step.kind === "wait" && step.reason !== this.#lastReason) {
      logger.info("waiting for the wanted primary", { reason: step.reason });
      this.#lastReason = step.reason;
    }
    if (step.kind === "note") await election.annotate(() => ({ [HONOURED_ANNOTATION]: step.value }));
    if (step.kind !== "switchover") return;
    logger.info("handing over to the wanted primary", { to: step.to, reason: "MASTER_ORDINAL" });
    // The new primary finds itself wanted and notes that.
    await log.switchover(step.to);
  }

  #state(): Parameters<typeof headStart>[0] {
    const { id, set, election } = this.#options;
    return { wanted: this.#wanted, honoured: election.observed?.annotations[HONOURED_ANNOTATION], id, set };
  }

  async #read(): Promise<void> {
    this.#wanted = await readOrdinal(this.#options.env, (path) => readFile(path, "utf8"));
  }
}
