/** Buckets that all webservers share, in Redis. */
import { Redis } from "ioredis";
import { messageOf } from "../../errors.ts";
import { type Draw, drawOf, hasToken } from "./bucket.ts";
import type { BucketStore, Claim } from "./types.ts";

/**
 * One script, so that no two webservers can both take the last token. Redis's own clock, so that theirs needn't agree. Each key holds the
 * moment at which its bucket is full and expires then: SET with PX is one step, and no key can stay for ever.
 * KEYS: buckets. ARGV: capacity and refill in microseconds of each. Answer: 1 or 0 (whether tokens were taken), then for each bucket the
 * microseconds until it was full.
 */
const script = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full, taken = {}, 1
for i, key in ipairs(KEYS) do
  full[i] = math.max(now, tonumber(redis.call('GET', key) or now))
  if full[i] - now + ARGV[2 * i] > ARGV[2 * i - 1] * ARGV[2 * i] then taken = 0 end
end
local answer = { taken }
for i, key in ipairs(KEYS) do
  answer[i + 1] = full[i] - now
  if taken == 1 then
    local at = full[i] + ARGV[2 * i]
    redis.call('SET', key, string.format('%.0f', at), 'PX', math.ceil((at - now) / 1000))
  end
end
return answer
`;

/** One hash tag for all, so that they are together in a Redis Cluster, as the script needs. */
const prefix = "{blockchain:limits}:";

export interface RedisStore extends BucketStore {
  /** Whether a connection stands; false means that `draw` would fail at once. */
  readonly connected: boolean;
  /** Rejects when Redis doesn't answer. */
  ping(): Promise<void>;
  /** Told about changes of the connection. */
  onChange(listener: (error?: string) => void): void;
  stop(): void;
}

export interface RedisOptions {
  readonly host: string;
  readonly port: number;
  readonly password?: string | undefined;
  /** How long a command may take before Redis counts as away. */
  readonly timeoutMs: number;
}

/** What `defineCommand` adds. */
interface DrawCommand {
  drawTokens(keys: number, ...args: (string | number)[]): Promise<number[]>;
}

/** Connects in the background, again and again; nothing is queued meanwhile. */
export function createRedisStore({ host, port, password, timeoutMs }: RedisOptions): RedisStore {
  const redis = new Redis({
    host,
    port,
    ...(password !== undefined && { password }),
    connectTimeout: 2000,
    commandTimeout: timeoutMs,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (attempt) => Math.min(100 * attempt, 1000),
    reconnectOnError: () => false,
  });
  redis.defineCommand("drawTokens", { lua: script });
  let lastError: string | undefined;
  // Without a listener an error would end the process; `close` follows each.
  redis.on("error", (error) => {
    lastError = messageOf(error);
  });
  return {
    get connected() {
      return redis.status === "ready";
    },
    draw: (claims) => draw(redis, claims),
    ping: async () => {
      await redis.ping();
    },
    onChange: (listener) => {
      redis.on("ready", () => listener());
      redis.on("close", () => listener(lastError ?? "connection closed"));
    },
    stop: () => redis.disconnect(),
  };
}

async function draw(redis: Redis, claims: readonly Claim[]): Promise<Draw[]> {
  const keys = claims.map(({ key }) => prefix + key);
  const args = claims.flatMap(({ bucket }) => [bucket.capacity, Math.round(bucket.refillMs * 1000)]);
  const [taken, ...fullIn] = await (redis as Redis & DrawCommand).drawTokens(keys.length, ...keys, ...args);
  return claims.map(({ bucket }, index) => {
    const fullInUs = fullIn[index] ?? 0;
    // In whole microseconds, as the script compared them.
    const allowed = hasToken({ ...bucket, refillMs: Math.round(bucket.refillMs * 1000) }, fullInUs);
    return drawOf(bucket, fullInUs / 1000, taken === 1, allowed);
  });
}
