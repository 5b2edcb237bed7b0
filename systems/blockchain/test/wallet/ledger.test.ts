import { expect, it } from "vitest";
import { Ledger } from "../../src/wallet/ledger/ledger.ts";
import { coinbase } from "./support/chain.ts";

it("keeps nothing of a block's memory, nor of what else was made at that moment", () => {
  const message = Buffer.alloc(100_000, 1);
  const [ours, theirs] = [message.subarray(0, 22), message.subarray(22, 57)];
  const owner = {
    path: { purpose: 84, branch: 0, index: 0 },
    publicKey: Buffer.alloc(33),
    script: Buffer.from(ours),
  } as const;
  const ledger = new Ledger({ now: () => 0, ownerOf: (script) => (script.equals(ours) ? owner : undefined) });
  const [mined, payment] = [coinbase(ours, 1), coinbase(ours, 2)];
  const paid = { ...payment, inputs: [{ ...payment.inputs[0]!, prevout: { hash: Buffer.from(ours), index: 0 } }] };
  const transactions = [mined, { ...paid, outputs: [...paid.outputs, { value: 1, script: theirs }] }];
  const header = { version: 4, previous: theirs, merkleRoot: theirs, time: 0, bits: 0, nonce: 0 };
  ledger.connect({ header, transactions }, 1, message.subarray(0, 32));
  const rows = [...ledger.rows()];
  const held = rows.flatMap(({ txid, block, payouts }) => [txid, block!.hash, ...payouts.map(({ script }) => script)]);
  expect(held).toHaveLength(5);
  for (const bytes of held) expect(bytes.buffer.byteLength).toBe(bytes.length);
});
