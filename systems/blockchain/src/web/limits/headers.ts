/** How limits are told to clients: draft-ietf-httpapi-ratelimit-headers-10, RFC 9110's Retry-After, and the two that the original had. */
import type { Draw } from "./bucket.ts";
import type { Claim, LimitMode } from "./types.ts";

export interface Outcome {
  readonly claim: Claim;
  readonly draw: Draw;
}

/** The outcome that binds: a refusal, the longest first, else the fewest tokens left. */
export const strictest = (outcomes: readonly Outcome[]): Outcome | undefined =>
  outcomes.reduce<Outcome | undefined>((worst, each) => (worst && !isStricter(each, worst) ? worst : each), undefined);

function isStricter({ draw: a }: Outcome, { draw: b }: Outcome): boolean {
  if (a.allowed !== b.allowed) return b.allowed;
  if (!a.allowed) return a.nextTokenMs > b.nextTokenMs;
  return a.remaining < b.remaining;
}

export const retryAfterSeconds = ({ draw }: Outcome): number => Math.max(1, Math.ceil(draw.nextTokenMs / 1000));

export function limitHeaders(outcomes: readonly Outcome[], mode: LimitMode): Record<string, string> {
  const binding = strictest(outcomes);
  if (binding === undefined) return { "RateLimit-Mode": mode };
  const { claim, draw } = binding;
  const policies = new Set(outcomes.map((outcome) => policy(outcome.claim)));
  return {
    "RateLimit-Policy": [...policies].join(", "),
    RateLimit: `"${claim.name}";r=${draw.remaining};t=${Math.ceil(draw.nextTokenMs / 1000)}`,
    "RateLimit-Mode": mode,
    "X-RateLimit-Limit": String(claim.bucket.capacity),
    "X-RateLimit-Remaining": String(draw.remaining),
    ...(!draw.allowed && { "Retry-After": String(retryAfterSeconds(binding)) }),
  };
}

/** The window is the time in which an empty bucket fills. */
const policy = ({ name, bucket }: Claim): string =>
  `"${name}";q=${bucket.capacity};w=${Math.max(1, Math.ceil((bucket.capacity * bucket.refillMs) / 1000))}`;
