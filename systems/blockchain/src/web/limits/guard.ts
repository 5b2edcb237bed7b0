/** Limits at the door: before the body is read for all that need none, before the handler for those that look into it. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { BlockchainError } from "../../errors.ts";
import { isApi } from "../safety.ts";
import type { Buckets, Drawn } from "./buckets.ts";
import { claimsOf, type LimitedRequest } from "./claims.ts";
import { addressOf } from "./client-address.ts";
import { limitHeaders, type Outcome, retryAfterSeconds, strictest } from "./headers.ts";
import type { Claim, Limiter, LimitMode, LimitSettings } from "./types.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Never limited: health, which the kubelet asks. */
    readonly unlimited?: boolean;
  }
  interface FastifyRequest {
    limitOutcomes: readonly Outcome[];
  }
}

export interface GuardOptions {
  readonly settings: LimitSettings;
  readonly buckets: Buckets;
  readonly trustedHops: number;
  /** Told about each refusal. */
  readonly refused: (strategy: string) => void;
}

export function installGuard(server: FastifyInstance, { settings, buckets, trustedHops, refused }: GuardOptions): void {
  const ofBody = settings.limiters.filter(({ strategy }) => strategy === "body");
  const ofHead = settings.limiters.filter(({ strategy }) => strategy !== "body");
  server.decorateRequest("limitOutcomes");
  if (settings.limiters.length === 0) return;

  const isListed = whitelistOf(settings);
  const settle = (request: FastifyRequest, reply: FastifyReply, claims: readonly Claim[], drawn: Drawn): void => {
    const fresh = claims.map((claim, index): Outcome => ({ claim, draw: drawn.draws[index] as Outcome["draw"] }));
    request.limitOutcomes = [...(request.limitOutcomes ?? []), ...fresh];
    answer(request.limitOutcomes, drawn.mode, reply, refused);
  };
  /** A promise only where the buckets are elsewhere. */
  const apply = (
    limiters: readonly Limiter[],
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> | undefined => {
    const { config, url: route } = request.routeOptions;
    if (config.unlimited || !isApi(request.url)) return undefined;
    const limited = described(request, request.is404 ? undefined : route, trustedHops);
    if (isListed(limited.ip)) return undefined;
    const claims = claimsOf(limiters, limited);
    if (claims.length === 0) return undefined;
    const drawn = buckets.draw(claims);
    if (drawn instanceof Promise) return drawn.then((later) => settle(request, reply, claims, later));
    settle(request, reply, claims, drawn);
    return undefined;
  };
  const hook =
    (limiters: readonly Limiter[]) =>
    (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
      let waiting: Promise<void> | undefined;
      try {
        waiting = apply(limiters, request, reply);
      } catch (error) {
        done(error as Error);
        return;
      }
      if (waiting) waiting.then(() => done(), done);
      else done();
    };
  server.addHook("onRequest", hook(ofHead));
  if (ofBody.length > 0) server.addHook("preHandler", hook(ofBody));
}

/** Tells the limits; throws BlockchainError("too-many") when one is exceeded. */
function answer(
  outcomes: readonly Outcome[],
  mode: LimitMode,
  reply: FastifyReply,
  refused: GuardOptions["refused"],
): void {
  reply.headers(limitHeaders(outcomes, mode));
  const binding = strictest(outcomes);
  if (binding === undefined || binding.draw.allowed) return;
  refused(binding.claim.name);
  const seconds = retryAfterSeconds(binding);
  throw new BlockchainError(
    "too-many",
    `too many requests (limit by ${binding.claim.name}): try again in ${seconds} s`,
  );
}

function described(request: FastifyRequest, route: string | undefined, trustedHops: number): LimitedRequest {
  return {
    ip: addressOf(request, trustedHops),
    path: request.url.split("?", 1)[0] ?? "",
    route,
    headers: request.headers,
    query: request.query as Readonly<Record<string, unknown>>,
    body: request.body,
  };
}

/** Whether an address is without limits. An object of the native list for each request would be dearer than all else here: most lists are empty. */
function whitelistOf({ whitelist }: LimitSettings): (ip: string) => boolean {
  if (whitelist.rules.length === 0) return () => false;
  return (ip) => whitelist.check(ip, ip.includes(":") ? "ipv6" : "ipv4");
}
