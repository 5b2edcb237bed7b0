/**
 * `Settings.toml`: which limits there are.
 *
 * ```toml
 * [rate_limiter]
 * redis_addr = "redis:6379"
 * ip_whitelist = ["10.0.0.0/8"]
 *
 * [[rate_limiter.limiter]]
 * strategy = "ip"
 * global_bucket = { tokens_count = 20, add_tokens_every = 6 }
 * buckets_per_value = [{ value = "192.0.2.1", tokens_count = 100, add_tokens_every = 1 }]
 * ```
 *
 * A misspelt key would be a limit that silently isn't there, so unknown keys are refused; tables other than `rate_limiter` are not ours.
 */
import { readFile } from "node:fs/promises";
import { BlockList, isIP } from "node:net";
import { parse } from "smol-toml";
import { BlockchainError } from "../../errors.ts";
import type { Bucket } from "./bucket.ts";
import { type Limiter, type LimitSettings, type Strategy, strategies } from "./types.ts";

const maxLimiters = 16;
const maxPerValue = 256;
const maxTokens = 1_000_000;
const maxRefillSeconds = 31 * 86_400;
const maxWindowSeconds = 366 * 86_400;
const maxFileBytes = 256 * 1024;

type Table = Readonly<Record<string, unknown>>;

/** No limits at all. */
export const unlimited: LimitSettings = { whitelist: new BlockList(), limiters: [] };

/** Rejects with BlockchainError("config") that names what is wrong. */
export async function readLimitSettings(path: string): Promise<LimitSettings> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new BlockchainError("config", `the rate limits in ${path} (RL_SETTINGS_PATH) can't be read`, { cause });
  }
  return parseLimitSettings(text, path);
}

export function parseLimitSettings(text: string, path = "Settings.toml"): LimitSettings {
  const refuse = (what: string, cause?: unknown): never => {
    throw new BlockchainError("config", `${path}: ${what}`, { cause });
  };
  if (text.length > maxFileBytes) refuse(`longer than ${maxFileBytes} bytes`);
  let file: Table;
  try {
    file = parse(text);
  } catch (cause) {
    return refuse(`not TOML: ${cause instanceof Error ? cause.message.split("\n", 1)[0] : cause}`, cause);
  }
  const at = new Reader(refuse);
  const section = at.table(file.rate_limiter ?? refuse("has no [rate_limiter]"), "rate_limiter", [
    "redis_addr",
    "ip_whitelist",
    "limiter",
  ]);
  const limiters = at.list(section.limiter, "rate_limiter.limiter", maxLimiters).map((each, index) => {
    return at.limiter(each, `limiter ${index + 1}`);
  });
  return { ...at.redis(section.redis_addr), whitelist: at.whitelist(section.ip_whitelist), limiters };
}

/** Each method takes a value as TOML gave it and refuses, by name, what doesn't fit. */
class Reader {
  readonly #refuse: (what: string) => never;

  constructor(refuse: (what: string) => never) {
    this.#refuse = refuse;
  }

  table(value: unknown, name: string, known: readonly string[]): Table {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return this.#refuse(`${name} is no table`);
    const unknown = Object.keys(value).filter((key) => !known.includes(key));
    if (unknown.length > 0) this.#refuse(`${name} has no key ${unknown.join(", ")}; it has ${known.join(", ")}`);
    return value as Table;
  }

  list(value: unknown, name: string, most: number): readonly unknown[] {
    if (value === undefined) return [];
    if (!Array.isArray(value)) return this.#refuse(`${name} is no list`);
    return value.length > most ? this.#refuse(`${name} has more than ${most} entries`) : value;
  }

  number(value: unknown, name: string, [least, most]: readonly [number, number], whole: boolean): number {
    const fits = typeof value === "number" && value >= least && value <= most && (!whole || Number.isInteger(value));
    return fits ? value : this.#refuse(`${name} is no ${whole ? "whole " : ""}number from ${least} to ${most}`);
  }

  bucket(value: Table, name: string): Bucket {
    const capacity = this.number(value.tokens_count, `${name}: tokens_count`, [1, maxTokens], true);
    const refill = this.number(value.add_tokens_every, `${name}: add_tokens_every`, [0.001, maxRefillSeconds], false);
    if (capacity * refill > maxWindowSeconds) this.#refuse(`${name} would take more than a year to fill`);
    return { capacity, refillMs: 1000 * refill };
  }

  limiter(value: unknown, name: string): Limiter {
    const table = this.table(value, name, ["strategy", "global_bucket", "buckets_per_value"]);
    const strategy = table.strategy as Strategy;
    if (!strategies.includes(strategy)) this.#refuse(`${name}: strategy is none of ${strategies.join(", ")}`);
    const perValue = this.list(table.buckets_per_value, `${name}: buckets_per_value`, maxPerValue).map((each) => {
      const entry = this.table(each, name, ["value", "tokens_count", "add_tokens_every"]);
      if (typeof entry.value !== "string" || entry.value === "") this.#refuse(`${name}: a bucket without a value`);
      return [keyOf(strategy, entry.value as string), this.bucket(entry, name)] as const;
    });
    if (table.global_bucket === undefined && perValue.length === 0) this.#refuse(`${name} has no bucket`);
    const keys = ["tokens_count", "add_tokens_every"];
    const global =
      table.global_bucket === undefined
        ? {}
        : { global: this.bucket(this.table(table.global_bucket, name, keys), name) };
    return { strategy, ...global, perValue: new Map(perValue) };
  }

  redis(value: unknown): Pick<LimitSettings, "redis"> {
    if (value === undefined || value === "") return {};
    const [, host, port] = /^(\[[0-9a-f:.]+\]|[\w.-]+):(\d{1,5})$/i.exec(String(value)) ?? [];
    if (host === undefined || port === undefined) return this.#refuse(`redis_addr is not host:port, as in redis:6379`);
    return {
      redis: { host: host.replace(/^\[|\]$/g, ""), port: this.number(+port, "redis_addr: port", [1, 65_535], true) },
    };
  }

  whitelist(value: unknown): BlockList {
    const list = new BlockList();
    for (const each of this.list(value, "ip_whitelist", maxPerValue)) {
      const [address = "", bits, rest] = String(each).split("/");
      const version = isIP(address);
      if (version === 0 || rest !== undefined) return this.#refuse(`ip_whitelist: "${each}" is no address`);
      const family = version === 6 ? "ipv6" : "ipv4";
      if (bits === undefined) list.addAddress(address, family);
      else
        list.addSubnet(
          address,
          this.number(+bits, `ip_whitelist: ${each}`, [0, version === 6 ? 128 : 32], true),
          family,
        );
    }
    return list;
  }
}

/** Names of headers are the same in any case. */
const keyOf = (strategy: Strategy, value: string): string => (strategy === "header" ? value.toLowerCase() : value);
