import { expect, test } from "vitest";
import { devnet, regtest } from "../../src/consensus/params.ts";
import { decodeBlock, encodeBlock } from "../../src/primitives/block.ts";
import { hashText } from "../../src/primitives/hash.ts";

test("regtest's genesis is Bitcoin's", () => {
  expect(hashText(regtest.genesisHash)).toBe("0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206");
  expect(hashText(regtest.genesis.header.merkleRoot)).toBe(
    "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b",
  );
});

test("devnet's genesis has its proof of work and never changes", () => {
  expect(hashText(devnet.genesisHash)).toBe("00002db963413779c33359f3b49f0a911695e0e005b573f346985b40b27353d0");
});

test.each([regtest, devnet])("a block of $name survives a round trip", ({ genesis }) => {
  expect(encodeBlock(decodeBlock(encodeBlock(genesis)))).toEqual(encodeBlock(genesis));
});
