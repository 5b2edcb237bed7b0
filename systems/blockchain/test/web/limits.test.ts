/** Limits that are pure: the bucket, the settings, which bucket a request draws from. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Bucket, drawAll } from "../../src/web/limits/bucket.ts";
import { claimsOf, type LimitedRequest } from "../../src/web/limits/claims.ts";
import { clientAddress } from "../../src/web/limits/client-address.ts";
import { limitHeaders, strictest } from "../../src/web/limits/headers.ts";
import { createLocalStore } from "../../src/web/limits/local-store.ts";
import { parseLimitSettings } from "../../src/web/limits/settings.ts";

const shipped = `
[rate_limiter]
redis_addr = "redis:6379"
ip_whitelist = []

[[rate_limiter.limiter]]
strategy = "ip"
global_bucket = { tokens_count = 20, add_tokens_every = 6 }
`;

describe("a bucket", () => {
  it("gives what a counter that gains a token per interval gives", () => {
    const schedule = fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 60 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 2000 }),
        schedule,
        (capacity, refillMs, gaps) => {
          let now = 0;
          let tokens = capacity;
          let fullAt = 0;
          for (const gap of gaps) {
            now += gap;
            tokens = Math.min(capacity, tokens + gap / refillMs);
            const [draw] = drawAll([{ capacity, refillMs }], [fullAt - now]);
            const isNear = Math.abs(tokens - Math.round(tokens)) < 1e-6;
            const whole = isNear ? Math.round(tokens) : Math.floor(tokens);
            expect(draw?.allowed).toBe(whole >= 1);
            if (whole >= 1) tokens -= 1;
            expect(draw?.remaining).toBe(whole >= 1 ? whole - 1 : 0);
            fullAt = now + (draw?.fullInMs ?? 0);
          }
        },
      ),
    );
  });

  it("takes from all or from none", () => {
    const store = createLocalStore(() => 0);
    const wide: Bucket = { capacity: 10, refillMs: 1000 };
    const narrow: Bucket = { capacity: 1, refillMs: 1000 };
    const claims = [
      { name: "ip", key: "a", bucket: wide },
      { name: "url", key: "b", bucket: narrow },
    ];
    expect(store.drawNow(claims).map(({ remaining }) => remaining)).toEqual([9, 0]);
    const refused = store.drawNow(claims);
    expect(refused.map(({ allowed }) => allowed)).toEqual([true, false]);
    expect(refused.map(({ remaining }) => remaining)).toEqual([9, 0]);
  });

  it("keeps a bounded number, and none that are full", () => {
    let now = 0;
    const store = createLocalStore(() => now, 100);
    const draw = (key: string) => store.drawNow([{ name: "ip", key, bucket: { capacity: 1, refillMs: 1000 } }]);
    for (let each = 0; each < 1000; each++) draw(`${each}`);
    expect(store.size).toBe(100);
    expect(draw("999")[0]?.allowed).toBe(false);
    now = 1000;
    expect(draw("999")[0]?.allowed).toBe(true);
  });
});

describe("Settings.toml", () => {
  it("is read as the original's", () => {
    const { redis, limiters } = parseLimitSettings(shipped);
    expect(redis).toEqual({ host: "redis", port: 6379 });
    expect(limiters).toEqual([{ strategy: "ip", global: { capacity: 20, refillMs: 6000 }, perValue: new Map() }]);
  });

  it.each([
    ["no table", "x = 1"],
    ["not TOML", "[rate_limiter"],
    ["a misspelt key", "[rate_limiter]\nredis_adress = 'redis:6379'"],
    ["a scheme", "[rate_limiter]\nredis_addr = 'redis://redis:6379'"],
    ["a port that is none", "[rate_limiter]\nredis_addr = 'redis:70000'"],
    ["a strange address", "[rate_limiter]\nip_whitelist = ['everyone']"],
    ["a limiter without a bucket", "[rate_limiter]\n[[rate_limiter.limiter]]\nstrategy = 'ip'"],
    ["a strange strategy", shipped.replace('"ip"', '"moon"')],
    ["no tokens", shipped.replace("20", "0")],
    ["a bucket that never fills", shipped.replace("= 20", "= 1000000").replace("= 6 ", "= 2600000 ")],
  ])("refuses %s", (_, text) => {
    expect(() => parseLimitSettings(text)).toThrow(expect.objectContaining({ code: "config" }));
  });
});

describe("claims", () => {
  const request = (over: Partial<LimitedRequest> = {}): LimitedRequest => ({
    ip: "192.0.2.1",
    path: "/api/v1/blockchain",
    route: "/api/v1/blockchain",
    headers: {},
    query: {},
    ...over,
  });
  const limiters = (text: string) => parseLimitSettings(`[rate_limiter]\n${text}`).limiters;
  const limiter = (strategy: string, buckets: string) =>
    limiters(`[[rate_limiter.limiter]]\nstrategy = "${strategy}"\n${buckets}`);
  const global = "global_bucket = { tokens_count = 3, add_tokens_every = 1 }";
  const perValue = (value: string) =>
    `buckets_per_value = [{ value = "${value}", tokens_count = 1, add_tokens_every = 1 }]`;
  const keys = (strategy: string, buckets: string, over: Partial<LimitedRequest>) =>
    claimsOf(limiter(strategy, buckets), request(over)).map(({ key }) => key);
  const capacities = (strategy: string, buckets: string, over: Partial<LimitedRequest>) =>
    claimsOf(limiter(strategy, buckets), request(over)).map(({ bucket }) => bucket.capacity);

  it("are one per address, and per network of IPv6", () => {
    expect(keys("ip", global, { ip: "192.0.2.1" })).not.toEqual(keys("ip", global, { ip: "192.0.2.2" }));
    expect(keys("ip", global, { ip: "2001:db8::1" })).toEqual(keys("ip", global, { ip: "2001:db8:0:0:ffff::2" }));
    expect(keys("ip", global, { ip: "2001:db8::1" })).not.toEqual(keys("ip", global, { ip: "2001:db8:0:1::1" }));
    expect(capacities("ip", `${global}\n${perValue("192.0.2.9")}`, { ip: "192.0.2.9" })).toEqual([1]);
  });

  it("are one per path, by name or by route, and one for all that isn't there", () => {
    const both = `${global}\n${perValue("/api/v1/wallet/:address")}`;
    expect(capacities("url", both, {})).toEqual([3]);
    expect(capacities("url", both, { path: "/api/v1/wallet/x", route: "/api/v1/wallet/:address" })).toEqual([1]);
    const invented = ["/a", "/b"].map((path) => keys("url", global, { path, route: undefined }));
    expect(invented[0]).toEqual(invented[1]);
  });

  it("follow headers, query and body by name", () => {
    expect(keys("header", perValue("X-Key"), {})).toEqual([]);
    const byKey = ["a", "b"].map((key) => keys("header", perValue("X-Key"), { headers: { "x-key": key } }));
    expect(byKey[0]).not.toEqual(byKey[1]);
    expect(capacities("header", global, { headers: { authorization: "x" } })).toEqual([3]);
    expect(keys("query", perValue("user"), { query: { user: "x" } })).toHaveLength(1);
    expect(keys("body", perValue("user"), { body: { user: "x" } })).toHaveLength(1);
    expect(keys("body", perValue("user"), { body: ["user"] })).toEqual([]);
  });

  it("have keys of bounded length", () => {
    const [key = ""] = keys("header", perValue("x-key"), { headers: { "x-key": "y".repeat(10_000) } });
    expect(key.length).toBeLessThan(64);
  });
});

describe("the client's address", () => {
  it.each([
    ["::ffff:192.0.2.1", undefined, 0, "192.0.2.1"],
    ["10.0.0.1", "1.1.1.1", 0, "10.0.0.1"],
    ["10.0.0.1", "9.9.9.9, 1.1.1.1", 1, "1.1.1.1"],
    ["10.0.0.1", "9.9.9.9, 1.1.1.1, 10.0.0.2", 2, "1.1.1.1"],
    ["10.0.0.1", "1.1.1.1", 2, "10.0.0.1"],
    ["10.0.0.1", undefined, 1, "10.0.0.1"],
    ["10.0.0.1", "1.1.1.1, <script>", 1, "10.0.0.1"],
  ])("of %s with %s behind %i proxies is %s", (socket, forwarded, hops, expected) => {
    expect(clientAddress(socket, forwarded, hops)).toBe(expected);
  });
});

describe("headers", () => {
  it("tell the strictest limit and when to come again", () => {
    const [wide, narrow] = drawAll(
      [
        { capacity: 20, refillMs: 6000 },
        { capacity: 2, refillMs: 1500 },
      ],
      [0, 3000],
    );
    const outcomes = [
      { claim: { name: "ip", key: "a", bucket: { capacity: 20, refillMs: 6000 } }, draw: wide! },
      { claim: { name: "url", key: "b", bucket: { capacity: 2, refillMs: 1500 } }, draw: narrow! },
    ];
    expect(strictest(outcomes)?.claim.name).toBe("url");
    expect(limitHeaders(outcomes, "local")).toEqual({
      "RateLimit-Policy": '"ip";q=20;w=120, "url";q=2;w=3',
      RateLimit: '"url";r=0;t=2',
      "RateLimit-Mode": "local",
      "X-RateLimit-Limit": "2",
      "X-RateLimit-Remaining": "0",
      "Retry-After": "2",
    });
  });
});
