/** The layout on disk: what was written by an earlier version must be found by the next. */
import { expect, test } from "vitest";
import * as keys from "../../src/chain/store/keys.ts";
import { outPointKey } from "../../src/primitives/transaction.ts";

const hash = Buffer.from(Array.from({ length: 32 }, (_, i) => 0xf0 - i));
const name = Buffer.from(Array.from({ length: 20 }, (_, i) => 0x80 + i));
const outpoint = outPointKey({ hash, index: 0x0102fffe });

test.each([
  ["header", keys.headerKey(0x01020384, hash), `6801020384${hash.toString("hex")}`],
  ["block", keys.blockKey(hash), `62${hash.toString("hex")}`],
  ["undo", keys.undoKey(hash), `72${hash.toString("hex")}`],
  ["transaction", keys.transactionKey(hash), `74${hash.toString("hex")}`],
  ["coin", keys.coinKey(outpoint), `63${hash.toString("hex")}0102fffe`],
  ["summary", keys.summaryKey(name), `61${name.toString("hex")}`],
  ["history", keys.historyKey(name, 0x01020384, 0x05060788), `73${name.toString("hex")}0102038405060788`],
  ["script's coin", keys.scriptCoinKey(name, outpoint), `6f${name.toString("hex")}${hash.toString("hex")}0102fffe`],
])("the key of a %s", (_, key, expected) => {
  expect(key.toString("hex")).toBe(expected);
});

test("outpoints and places are read back from where keys have them", () => {
  for (const key of [keys.coinKey(outpoint), keys.scriptCoinKey(name, outpoint)]) {
    expect(keys.outpointAtEnd(key)).toEqual({ hash, index: 0x0102fffe });
  }
  expect(keys.historyPlace(keys.historyKey(name, 7, 9))).toEqual({ height: 7, position: 9 });
});
