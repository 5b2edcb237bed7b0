import type { BlockList } from "node:net";
import type { Bucket, Draw } from "./bucket.ts";

export const strategies = ["ip", "url", "header", "query", "body"] as const;
export type Strategy = (typeof strategies)[number];

/** One `[[rate_limiter.limiter]]` of the settings file. */
export interface Limiter {
  readonly strategy: Strategy;
  /** For values without a bucket of their own. */
  readonly global?: Bucket;
  /** By address, path, or name of header, query parameter or body field. */
  readonly perValue: ReadonlyMap<string, Bucket>;
}

export interface LimitSettings {
  /** Undefined: buckets of this process only, by wish. */
  readonly redis?: { readonly host: string; readonly port: number };
  /** Addresses without limits. */
  readonly whitelist: BlockList;
  readonly limiters: readonly Limiter[];
}

/** One bucket that a request draws from. */
export interface Claim {
  /** Of the limiter, for `RateLimit-Policy`. */
  readonly name: string;
  /** Of the bucket; of bounded length whatever the client sent. */
  readonly key: string;
  readonly bucket: Bucket;
}

/** `shared`: one bucket for all webservers, in Redis. `local`: of this process, while Redis is away or when none is set. */
export type LimitMode = "shared" | "local";

/** Where buckets live. */
export interface BucketStore {
  /** Draws from all or, when one is empty, from none; one Draw for each claim. */
  draw(claims: readonly Claim[]): Promise<Draw[]>;
}
