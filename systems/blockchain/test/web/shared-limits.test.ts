/** Limits over several webservers, with a real Redis that goes away and comes back. */
import { Redis } from "ioredis";
import { Registry } from "prom-client";
import { describe, expect, it, onTestFinished } from "vitest";
import { program } from "../../../../scripts/testing/programs.ts";
import { startRedis } from "./support/redis.ts";
import { adminKey, startWeb, type TestServer } from "./support/server.ts";
import { until } from "./support/until.ts";

const redisServer = program("redis-server");

/** Tokens come back so slowly that none does within the test. */
const settings = (tokens: number, port?: number) => `
[rate_limiter]
${port === undefined ? "" : `redis_addr = "127.0.0.1:${port}"`}
[[rate_limiter.limiter]]
strategy = "ip"
global_bucket = { tokens_count = ${tokens}, add_tokens_every = 3600 }
`;
const path = "/api/v1/blockchain";

async function allowedOf(servers: readonly TestServer[], requests: number): Promise<number> {
  const statuses = await Promise.all(
    Array.from({ length: requests }, async (_, index) => (await servers[index % servers.length]!.get(path)).status),
  );
  return statuses.filter((status) => status === 200).length;
}

/** Without using up tokens. */
const modeOf = async (web: TestServer): Promise<string> => (await web.get("/health")).body.data.rate_limits.mode;

describe("without Redis in the settings", () => {
  it("limits, says when to retry, and leaves health and pages alone", async () => {
    const web = await startWeb({ limits: settings(3) });
    expect((await web.get(path)).headers.get("ratelimit")).toBe('"ip";r=2;t=3600');
    expect(await allowedOf([web], 5)).toBe(2);
    const refused = await web.get(path);
    expect(refused.status).toBe(429);
    expect(refused.body).toMatchObject({ success: false, error: expect.stringMatching(/try again in \d+ s/) });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(3500);
    expect(refused.headers.get("x-ratelimit-limit")).toBe("3");
    expect(refused.headers.get("x-ratelimit-remaining")).toBe("0");
    for (let each = 0; each < 30; each++) expect((await web.get("/api/health/ready")).status).toBe(200);
    expect((await web.get("/api/nothing")).status).toBe(429);
    // Keys can't be guessed at any speed either.
    expect((await web.get("/api/admin/peers", { "X-API-Key": adminKey })).status).toBe(429);
  });

  it("believes X-Forwarded-For only from the proxies that it is told of", async () => {
    const from = (address: string) => ({ "X-Forwarded-For": address });
    const open = await startWeb({ limits: settings(1) });
    expect((await open.get(path, from("1.1.1.1"))).status).toBe(200);
    expect((await open.get(path, from("2.2.2.2"))).status).toBe(429);
    const behind = await startWeb({ limits: settings(1), settings: { trustedProxyHops: 1 } });
    expect((await behind.get(path, from("1.1.1.1"))).status).toBe(200);
    expect((await behind.get(path, from("2.2.2.2"))).status).toBe(200);
    expect((await behind.get(path, from("3.3.3.3, 2.2.2.2"))).status).toBe(429);
  });

  it("counts by what is in the body", async () => {
    const web = await startWeb({
      limits: `[rate_limiter]
[[rate_limiter.limiter]]
strategy = "body"
buckets_per_value = [{ value = "hex", tokens_count = 1, add_tokens_every = 3600 }]`,
    });
    const send = (byte: string) => web.post("/api/v1/transactions/broadcast", { hex: byte.repeat(20) });
    expect([(await send("00")).status, (await send("00")).status, (await send("01")).status]).toEqual([422, 429, 422]);
  });

  it("leaves out listed addresses", async () => {
    const web = await startWeb({
      limits: settings(1).replace("[rate_limiter]", '[rate_limiter]\nip_whitelist = ["127.0.0.0/8"]'),
    });
    expect(await allowedOf([web], 5)).toBe(5);
  });
});

describe.skipIf(!redisServer)("with Redis", () => {
  it("shares one bucket among webservers", async () => {
    const redis = await startRedis(redisServer!);
    const servers = await Promise.all([1, 2].map(() => startWeb({ limits: settings(10, redis.port) })));
    for (const server of servers) await until(async () => (await modeOf(server)) === "shared");
    expect(await allowedOf(servers, 40)).toBe(10);
    expect((await servers[0]!.get(path)).headers.get("ratelimit-mode")).toBe("shared");
    const client = new Redis(redis.port, "127.0.0.1");
    onTestFinished(() => client.disconnect());
    const keys = await client.keys("*");
    expect(keys).toHaveLength(1);
    // Ten hours until it is full again, and never without an end.
    const ttl = await client.pttl(keys[0]!);
    expect(ttl).toBeGreaterThan(9.9 * 3_600_000);
    expect(ttl).toBeLessThanOrEqual(10 * 3_600_000);
  });

  it("counts alone while Redis is dead, says so, and shares again by itself", async () => {
    const redis = await startRedis(redisServer!);
    const metrics = new Registry();
    const web = await startWeb({ limits: settings(10, redis.port), metrics });
    await until(async () => (await modeOf(web)) === "shared");
    expect(await allowedOf([web], 4)).toBe(4);
    await redis.kill();
    const first = await web.get(path);
    expect([first.status, first.headers.get("ratelimit-mode")]).toEqual([200, "local"]);
    // It goes on from what Redis had said, not from a full bucket.
    expect(first.headers.get("x-ratelimit-remaining")).toBe("5");
    expect(await allowedOf([web], 10)).toBe(5);
    const health = (await web.get("/health")).body.data;
    expect(health).toMatchObject({ status: "degraded", rate_limits: { mode: "local", degraded: expect.any(String) } });
    expect(await metrics.metrics()).toContain("blockchain_rate_limits_degraded 1");
    await redis.restart();
    await until(async () => (await modeOf(web)) === "shared");
    const back = await web.get(path);
    expect([back.status, back.headers.get("ratelimit-mode")]).toEqual([200, "shared"]);
    expect((await web.get("/health")).body.data.status).toBe("healthy");
    expect(await metrics.metrics()).toContain("blockchain_rate_limits_degraded 0");
  });

  it("does not wait for a Redis that hangs", async () => {
    const redis = await startRedis(redisServer!);
    const web = await startWeb({ limits: settings(10, redis.port) });
    await until(async () => (await modeOf(web)) === "shared");
    redis.pause();
    expect((await web.get(path)).headers.get("ratelimit-mode")).toBe("local");
    expect((await web.get(path)).headers.get("ratelimit-mode")).toBe("local");
    redis.resume();
    await until(async () => (await modeOf(web)) === "shared");
  });

  it("starts without Redis and finds it later", async () => {
    const redis = await startRedis(redisServer!);
    await redis.kill();
    const web = await startWeb({ limits: settings(2, redis.port) });
    expect((await web.get(path)).headers.get("ratelimit-mode")).toBe("local");
    expect(web.web.degraded).toBeDefined();
    await redis.restart();
    await until(() => web.web.degraded === undefined);
  });
});
