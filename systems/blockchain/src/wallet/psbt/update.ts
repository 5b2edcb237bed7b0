/** The updater: adds what a wallet knows of its own inputs and outputs. */
import { ByteWriter } from "../../primitives/bytes.ts";
import {
  encodeTransaction,
  outPointKey,
  type Transaction,
  type TxOutput,
  writeOutput,
} from "../../primitives/transaction.ts";
import { pathNumbers } from "../keys/account.ts";
import type { Owned } from "../keys/ring.ts";
import { xOnly } from "../keys/taproot.ts";
import { inputField, outputField } from "./fields.ts";
import type { FieldMap } from "./maps.ts";
import { isFinal, type Psbt, spentOutput } from "./psbt.ts";

export interface Knowledge {
  readonly coinType: number;
  readonly fingerprint: Buffer;
  readonly ownerOf: (script: Buffer) => Owned | undefined;
  /** An output of a transaction that the wallet knows, by outpoint. */
  readonly outputOf: (outpoint: string) => TxOutput | undefined;
  readonly transactionOf: (txid: Buffer) => Promise<Transaction | undefined>;
}

/** Without `withPaths` no derivation path tells which keys belong together. */
export async function updatePsbt(psbt: Psbt, known: Knowledge, withPaths = true): Promise<Psbt> {
  const inputs: FieldMap[] = [];
  for (const [index, map] of psbt.inputs.entries())
    inputs.push(isFinal(map) ? map : await updateInput(psbt, index, map, known, withPaths));
  const outputs = psbt.outputs.map((map, index) => {
    const owned = withPaths ? known.ownerOf(psbt.transaction.outputs[index]!.script) : undefined;
    return owned ? withPath(map, owned, known, outputField) : map;
  });
  return { ...psbt, inputs, outputs };
}

async function updateInput(
  psbt: Psbt,
  index: number,
  map: FieldMap,
  known: Knowledge,
  withPaths: boolean,
): Promise<FieldMap> {
  const { prevout } = psbt.transaction.inputs[index]!;
  const output = spentOutput(psbt, index) ?? known.outputOf(outPointKey(prevout));
  const owned = output && known.ownerOf(output.script);
  if (!output || !owned) return map;
  const witnessed = map.with(inputField.witnessUtxo, outputBytes(output));
  // A taproot signature commits to all amounts; that of version 0 does not, so its signer may want to see the whole previous transaction.
  const previous = owned.path.purpose === 84 ? await known.transactionOf(prevout.hash) : undefined;
  const full = previous ? witnessed.with(inputField.nonWitnessUtxo, encodeTransaction(previous)) : witnessed;
  const keyed = owned.path.purpose === 86 ? full.with(inputField.tapInternalKey, xOnly(owned.publicKey)) : full;
  // Without its path the signer still has to know the key.
  return withPaths || owned.path.purpose === 84 ? withPath(keyed, owned, known, inputField) : keyed;
}

/** Where a key comes from, in the fields of its kind. */
function withPath(
  map: FieldMap,
  owned: Owned,
  known: Knowledge,
  field: Pick<typeof inputField | typeof outputField, "derivation" | "tapDerivation" | "tapInternalKey">,
): FieldMap {
  const origin = originOf(owned, known);
  if (owned.path.purpose === 84) return map.with(field.derivation, origin, owned.publicKey);
  const key = xOnly(owned.publicKey);
  // An internal key has no leaves.
  return map.with(field.tapInternalKey, key).with(field.tapDerivation, Buffer.concat([Buffer.of(0), origin]), key);
}

function originOf({ path }: Owned, { coinType, fingerprint }: Knowledge): Buffer {
  const writer = new ByteWriter().bytes(fingerprint);
  for (const step of pathNumbers(coinType, path)) writer.u32(step);
  return writer.take();
}

function outputBytes(output: TxOutput): Buffer {
  const writer = new ByteWriter();
  writeOutput(writer, output);
  return writer.take();
}
