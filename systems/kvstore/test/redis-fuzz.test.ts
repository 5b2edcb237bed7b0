/** Random conversations with kvstore and with a real Redis: the same answers, error texts included. */
import { Random } from "@coracle/sim";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { program } from "../../../scripts/testing/programs.ts";
import { differences } from "./support/alike.ts";
import { framesIn } from "./support/frames.ts";
import { conversation, type Words } from "./support/random-commands.ts";
import { resp, talk } from "./support/raw.ts";
import { type RedisServer, startRedis } from "./support/redis-server.ts";
import { type SoloServer, startSolo } from "./support/solo-server.ts";

/** More of them, or others: REDIS_FUZZ_RUNS=10000 REDIS_FUZZ_SEED=7 npx vitest run systems/kvstore/test/redis-fuzz.test.ts */
const RUNS = Number(process.env.REDIS_FUZZ_RUNS ?? 40);
const SEED = Number(process.env.REDIS_FUZZ_SEED ?? 1);
const LENGTH = 60;

describe.skipIf(!program("redis-server"))("beside a real Redis", () => {
  let redis: RedisServer;
  let solo: SoloServer;

  beforeAll(async () => {
    redis = await startRedis();
    solo = await startSolo();
  });

  afterAll(async () => {
    await redis[Symbol.asyncDispose]();
    await solo[Symbol.asyncDispose]();
  });

  const replies = async (port: number, version: "2" | "3", asked: readonly Words[]) => {
    const prelude = [["hello", version], ["flushall"]];
    const bytes = [...prelude, ...asked].map((words) => resp(...words));
    const text = await talk(port, Buffer.concat([...bytes, resp("multi"), resp("discard"), resp("quit")]));
    return framesIn(text).slice(prelude.length);
  };

  it(`${RUNS} conversations are answered alike`, { timeout: 60_000 + RUNS * 1000 }, async () => {
    const found = new Map<string, string>();
    for (let run = 0; run < RUNS; run++) {
      const seed = SEED + run;
      const asked = conversation(new Random(seed), LENGTH);
      const version = seed % 2 === 0 ? "2" : "3";
      const [ours, theirs] = await Promise.all([
        replies(solo.server.port, version, asked),
        replies(redis.port, version, asked),
      ]);
      const first = differences(asked, ours, theirs)[0];
      const key = first?.split(/[", ]+/)[1];
      if (first && key && !found.has(key)) found.set(key, `seed ${seed}, RESP${version}: ${first}`);
    }
    expect([...found.values()].join("\n")).toBe("");
  });
});
