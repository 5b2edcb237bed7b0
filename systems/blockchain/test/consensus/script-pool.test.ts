import { afterEach, expect, test } from "vitest";
import { encodeBatch } from "../../src/consensus/script-batch.ts";
import { ScriptPool } from "../../src/consensus/script-pool.ts";
import { transactionOf } from "./blocks.ts";

const pool = new ScriptPool(1);
afterEach(() => pool.close());

test("a thread that dies fails its batches, and the next batch finds a new one", async () => {
  const spent = [{ value: 1000, script: Buffer.from([0x51]) }];
  const job = { tx: transactionOf(), spent, place: 0, fromInput: 0, toInput: 1 };
  const good = () => encodeBatch([job], 0);
  expect(await pool.run(good, 100)).toBeUndefined();
  await expect(pool.run(() => new ArrayBuffer(3), 3)).rejects.toMatchObject({ code: "verifier" });
  expect(await pool.run(good, 100)).toBeUndefined();
  await expect(pool.run(good, 2 ** 30)).rejects.toMatchObject({ code: "busy" });
});
