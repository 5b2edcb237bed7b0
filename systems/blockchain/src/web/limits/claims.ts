/** Which buckets a request draws from: a pure function of the limits and of what the client sent. */
import { hash } from "node:crypto";
import { isIPv6 } from "node:net";
import type { Bucket } from "./bucket.ts";
import type { Claim, Limiter, Strategy } from "./types.ts";

/** What limits look at. */
export interface LimitedRequest {
  /** Of the client, proxies considered; see `clientAddress`. */
  readonly ip: string;
  /** Path, or the route's pattern: see `urlValues`. */
  readonly path: string;
  /** Pattern of the route that serves it, such as `/api/v1/wallet/:address`; undefined for paths that nothing serves. */
  readonly route: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly query: Readonly<Record<string, unknown>>;
  /** Undefined until it is read. */
  readonly body?: unknown;
}

interface Found {
  /** What was found, under a name that tells it from other finds of the same limiter. */
  readonly value: string;
  readonly bucket: Bucket | undefined;
}

/** One row per strategy: the values found in a request, each with its bucket. */
const rows: Readonly<Record<Strategy, (limiter: Limiter, request: LimitedRequest) => readonly Found[]>> = {
  ip: ({ perValue, global }, { ip }) => [{ value: networkOf(ip), bucket: perValue.get(ip) ?? global }],
  // All paths that nothing serves share a bucket: else each invented path would be a fresh one.
  url: ({ perValue, global }, { path, route }) => {
    const own = perValue.get(path);
    if (own) return [{ value: path, bucket: own }];
    const ofRoute = route === undefined ? undefined : perValue.get(route);
    if (ofRoute) return [{ value: route ?? "", bucket: ofRoute }];
    return [{ value: route === undefined ? "" : path, bucket: global }];
  },
  header: (limiter, { headers }) => {
    const named = [...limiter.perValue].flatMap(([name, bucket]) => field(name, headers[name], bucket));
    return named.length > 0 ? named : field("authorization", headers.authorization, limiter.global);
  },
  query: ({ perValue }, { query }) => [...perValue].flatMap(([name, bucket]) => field(name, query[name], bucket)),
  body: ({ perValue }, { body }) =>
    isRecord(body) ? [...perValue].flatMap(([name, bucket]) => field(name, body[name], bucket)) : [],
};

/** The claims of the limiters, in their order. Those of `body` come out only once the body is there. */
export function claimsOf(limiters: readonly Limiter[], request: LimitedRequest): Claim[] {
  return limiters.flatMap((limiter, index) =>
    rows[limiter.strategy](limiter, request).flatMap(({ value, bucket }) =>
      bucket ? [{ name: limiter.strategy, key: keyOf(limiter, index, value), bucket }] : [],
    ),
  );
}

/** Hashed: keys are of one length whatever clients send, and tokens and addresses can't be read in Redis. */
const keyOf = ({ strategy }: Limiter, index: number, value: string): string =>
  `${strategy}${index}:${hash("sha256", value, "base64url").slice(0, 22)}`;

function field(name: string, value: unknown, bucket: Bucket | undefined): Found[] {
  if (value === undefined || value === null) return [];
  return [{ value: `${name}\n${typeof value === "string" ? value : JSON.stringify(value)}`, bucket }];
}

/** A client of IPv6 owns a whole /64 and could use another address of it for each request. */
function networkOf(ip: string): string {
  if (!isIPv6(ip)) return ip;
  const [head = "", tail] = ip.split("%", 1)[0]?.split("::") ?? [];
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  return `${[...left, ...Array<string>(zeros).fill("0"), ...right]
    .slice(0, 4)
    .map((part) => Number.parseInt(part, 16).toString(16))
    .join(":")}::/64`;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
