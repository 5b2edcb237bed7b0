/**
 * Shared buckets while Redis answers, local ones at once while it doesn't.
 *
 * Letting everyone through when Redis is away would turn its failure into ours, and refusing everyone even more so; each webserver then
 * counts for itself, beginning with what Redis last said, and says so in every answer.
 */
import type { Logger } from "@coracle/pod";
import { messageOf } from "../../errors.ts";
import type { Draw } from "./bucket.ts";
import type { LocalStore } from "./local-store.ts";
import type { RedisStore } from "./redis-store.ts";
import type { Claim, LimitMode } from "./types.ts";

const retryMs = 1000;

export interface Drawn {
  readonly draws: readonly Draw[];
  readonly mode: LimitMode;
}

export interface Buckets {
  /** At once where the buckets are local: a promise for each request would cost more than the drawing. */
  draw(claims: readonly Claim[]): Drawn | Promise<Drawn>;
  readonly mode: LimitMode;
  /** Why the buckets are local though Redis is set; undefined while all is as wished. */
  readonly degraded: string | undefined;
  stop(): void;
}

export interface BucketsOptions {
  readonly local: LocalStore;
  /** Undefined: local by wish. */
  readonly redis?: RedisStore;
  readonly logger: Logger;
}

export function createBuckets({ local, redis, logger }: BucketsOptions): Buckets {
  let degraded: string | undefined = redis && "not connected yet";
  let probe: NodeJS.Timeout | undefined;

  const lose = (reason: string): void => {
    if (degraded === undefined) logger.warn("Redis is away: each webserver counts requests for itself", { reason });
    degraded = reason;
    // A connection that stands but is silent brings no event when it works again.
    probe ??= setInterval(() => void regain(), retryMs).unref();
  };
  const regain = async (): Promise<void> => {
    try {
      if (!redis?.connected) return;
      await redis.ping();
    } catch (error) {
      degraded = messageOf(error);
      return;
    }
    clearInterval(probe);
    probe = undefined;
    if (degraded !== undefined) logger.info("rate limits are shared through Redis");
    degraded = undefined;
  };
  redis?.onChange((error) => (error === undefined ? void regain() : lose(error)));

  const drawLocal = (claims: readonly Claim[]): Drawn => ({ draws: local.drawNow(claims), mode: "local" });
  const drawShared = async (from: RedisStore, claims: readonly Claim[]): Promise<Drawn> => {
    try {
      const draws = await from.draw(claims);
      local.note(claims, draws);
      return { draws, mode: "shared" };
    } catch (error) {
      lose(messageOf(error));
      return drawLocal(claims);
    }
  };

  return {
    draw: (claims) => (redis && degraded === undefined ? drawShared(redis, claims) : drawLocal(claims)),
    get mode() {
      return redis && degraded === undefined ? "shared" : "local";
    },
    get degraded() {
      return degraded;
    },
    stop() {
      clearInterval(probe);
      redis?.stop();
    },
  };
}
