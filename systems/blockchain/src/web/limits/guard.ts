/** Limits at the door: before the body is read for all that need none, before the handler for those that look into it. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { BlockchainError } from "../../errors.ts";
import { isApi } from "../safety.ts";
import type { Buckets } from "./buckets.ts";
import { claimsOf, type LimitedRequest } from "./claims.ts";
import { addressOf } from "./client-address.ts";
import { limitHeaders, type Outcome, retryAfterSeconds, strictest } from "./headers.ts";
import type { Limiter, LimitMode, LimitSettings } from "./types.ts";

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

  const apply = async (limiters: readonly Limiter[], request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (request.routeOptions.config.unlimited || !isApi(request.url)) return;
    const limited = described(request, trustedHops);
    if (isListed(settings, limited.ip)) return;
    const claims = claimsOf(limiters, limited);
    if (claims.length === 0) return;
    const { draws, mode } = await buckets.draw(claims);
    const fresh = claims.map((claim, index): Outcome => ({ claim, draw: draws[index] as Outcome["draw"] }));
    request.limitOutcomes = [...(request.limitOutcomes ?? []), ...fresh];
    answer(request.limitOutcomes, mode, reply, refused);
  };
  server.addHook("onRequest", (request, reply) => apply(ofHead, request, reply));
  if (ofBody.length > 0) server.addHook("preHandler", (request, reply) => apply(ofBody, request, reply));
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

function described(request: FastifyRequest, trustedHops: number): LimitedRequest {
  return {
    ip: addressOf(request, trustedHops),
    path: request.url.split("?", 1)[0] ?? "",
    route: request.is404 ? undefined : request.routeOptions.url,
    headers: request.headers,
    query: request.query as Readonly<Record<string, unknown>>,
    body: request.body,
  };
}

const isListed = ({ whitelist }: LimitSettings, ip: string): boolean =>
  whitelist.check(ip, ip.includes(":") ? "ipv6" : "ipv4");
