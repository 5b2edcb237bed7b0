/** A client that writes numbered keys all the time through whatever happens, and knows which were acknowledged. */
import { Redis } from "ioredis";

export interface Writer {
  /** Keys whose write was acknowledged, in order. */
  readonly acknowledged: readonly string[];
  /** Resolves when `count` more writes have been acknowledged from now on. */
  more(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** Each key is written once; one whose answer never came may or may not have survived, and counts as neither. */
export function startWriter(host: string, port: number): Writer {
  const acknowledged: string[] = [];
  const waiting: { at: number; resolve: () => void }[] = [];
  let isStopping = false;
  let client = connect(host, port);
  const loop = (async () => {
    for (let n = 0; !isStopping; n++) {
      const key = `key-${n}`;
      try {
        await client.set(key, `value-${n}`);
        acknowledged.push(key);
        while (waiting[0] && waiting[0].at <= acknowledged.length) waiting.shift()?.resolve();
      } catch {
        client.disconnect();
        await new Promise((resolve) => setTimeout(resolve, 20));
        client = connect(host, port);
      }
    }
  })();
  return {
    acknowledged,
    more: (count) => new Promise((resolve) => void waiting.push({ at: acknowledged.length + count, resolve })),
    async stop() {
      isStopping = true;
      await loop;
      client.disconnect();
    },
  };
}

/** Never repeats a command by itself: a repeated write would hide a lost one. */
export function connect(host: string, port: number): Redis {
  const client = new Redis({
    host,
    port,
    maxRetriesPerRequest: 0,
    retryStrategy: null,
    autoResendUnfulfilledCommands: false,
    commandTimeout: 2000,
    connectTimeout: 2000,
  } as never);
  client.on("error", () => {});
  return client;
}

/** The keys that cannot be read back with their value. */
export async function lost(host: string, port: number, keys: readonly string[]): Promise<string[]> {
  const client = connect(host, port);
  try {
    const missing: string[] = [];
    for (let from = 0; from < keys.length; from += 500) {
      const part = keys.slice(from, from + 500);
      const values = await client.mget(part);
      missing.push(...part.filter((key, n) => values[n] !== key.replace("key", "value")));
    }
    return missing;
  } finally {
    client.disconnect();
  }
}
