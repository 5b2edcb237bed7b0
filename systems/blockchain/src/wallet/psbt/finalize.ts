/** The input finalizer and the extractor. An input is final only if what was put together really unlocks its output. */
import { destinationOf } from "../../address/scripts.ts";
import { ByteReader, ByteWriter } from "../../primitives/bytes.ts";
import { hash160 } from "../../primitives/hash.ts";
import type { Transaction, TxInput, TxOutput } from "../../primitives/transaction.ts";
import { TransactionChecker } from "../../script/checker.ts";
import { consensusFlags } from "../../script/flags.ts";
import { verifyScript } from "../../script/interpreter.ts";
import { op } from "../../script/opcodes.ts";
import { pushOf } from "../../script/parse.ts";
import { Spending } from "../../script/spending.ts";
import type { Unlocking } from "../spend/sign.ts";
import { inputField, inputRows } from "./fields.ts";
import type { Field, FieldMap } from "./maps.ts";
import { isFinal, type Psbt, spentOutput, spentOutputs, withInput } from "./psbt.ts";

const nothing = Buffer.alloc(0);

/** Finalizes what can be; `complete` when every input is. */
export function finalizePsbt(psbt: Psbt): { readonly psbt: Psbt; readonly complete: boolean } {
  const finalized = psbt.inputs.reduce<Psbt>((sofar, map, index) => {
    const output = spentOutput(psbt, index);
    if (isFinal(map) || !output) return sofar;
    const unlocking = unlockingOf(map, output);
    return unlocking && unlocks(psbt, index, unlocking) ? withInput(sofar, index, finalMap(map, unlocking)) : sofar;
  }, psbt);
  return { psbt: finalized, complete: finalized.inputs.every(isFinal) };
}

/** The signed transaction; undefined unless every input is final. */
export function extractTransaction({ transaction, inputs }: Psbt): Transaction | undefined {
  if (!inputs.every(isFinal)) return undefined;
  return {
    ...transaction,
    inputs: transaction.inputs.map((input, index) => ({ ...input, ...finalUnlocking(inputs[index]!) })),
  };
}

/** What a final input holds. */
export function finalUnlocking(map: FieldMap): Unlocking {
  const witness = map.get(inputField.finalWitness);
  const reader = witness && new ByteReader(witness);
  return {
    script: map.get(inputField.finalScript) ?? nothing,
    witness: reader ? reader.list(1, () => reader.varBytes()) : [],
  };
}

/** BIP 174: everything but the outputs spent and what is unknown goes. */
function finalMap(map: FieldMap, { script, witness }: Unlocking): FieldMap {
  const isUtxo = ({ key }: Field): boolean => key[0] === inputField.nonWitnessUtxo || key[0] === inputField.witnessUtxo;
  const kept = map.filter((field) => isUtxo(field) || !inputRows.some(({ type }) => type === field.key[0]));
  const scripted = script.length > 0 ? kept.with(inputField.finalScript, script) : kept;
  if (witness.length === 0) return scripted;
  const bytes = new ByteWriter();
  bytes.list(witness, (item) => bytes.varBytes(item));
  return scripted.with(inputField.finalWitness, bytes.take());
}

/** Scripts and signatures in their places; undefined while something is missing. */
function unlockingOf(map: FieldMap, { script }: TxOutput): Unlocking | undefined {
  const keySignature = map.get(inputField.tapKeySignature);
  if (keySignature) return { script: nothing, witness: [keySignature] };
  const redeem = map.get(inputField.redeemScript);
  const program = redeem ?? script;
  const wrapped = redeem ? pushOf(redeem) : nothing;
  const to = destinationOf(program);
  if (to?.kind === "witness_v0_keyhash") {
    const pair = singleOf(map, to.program);
    return pair && { script: wrapped, witness: pair };
  }
  if (to?.kind === "witness_v0_scripthash") {
    const inner = map.get(inputField.witnessScript);
    const stack = inner && stackFor(map, inner);
    return stack && { script: wrapped, witness: [...stack, inner] };
  }
  const stack = to?.kind === "pubkeyhash" ? singleOf(map, to.hash) : stackFor(map, program);
  return stack && { script: Buffer.concat([...stack.map(pushItem), wrapped]), witness: [] };
}

/** An empty item is OP_0 and not a push of nothing. */
const pushItem = (item: Buffer): Buffer => (item.length === 0 ? Buffer.of(op.OP_0) : pushOf(item));

/** Signature and key of the one whose hash is asked for. */
function singleOf(map: FieldMap, hash: Buffer): Buffer[] | undefined {
  const found = map.all(inputField.partialSignature).find(({ keyData }) => hash160(keyData).equals(hash));
  return found && [found.value, found.keyData];
}

/** What unlocks a bare key, or a multisignature once enough have signed, in the order of its keys. */
function stackFor(map: FieldMap, script: Buffer): Buffer[] | undefined {
  const wanted = multisigOf(script) ?? bareKeyOf(script);
  if (!wanted) return undefined;
  const signatures = wanted.keys.flatMap((key) => map.get(inputField.partialSignature, key) ?? []);
  if (signatures.length < wanted.needed) return undefined;
  // OP_CHECKMULTISIG takes one item too many from the stack.
  return [...(wanted.isMultisig ? [nothing] : []), ...signatures.slice(0, wanted.needed)];
}

interface Wanted {
  readonly needed: number;
  readonly keys: readonly Buffer[];
  readonly isMultisig: boolean;
}

function bareKeyOf(script: Buffer): Wanted | undefined {
  const size = script[0];
  if ((size !== 33 && size !== 65) || script.length !== size + 2 || script.at(-1) !== op.OP_CHECKSIG) return undefined;
  return { needed: 1, keys: [script.subarray(1, 1 + size)], isMultisig: false };
}

function multisigOf(script: Buffer): Wanted | undefined {
  if (script.length < 3 || script.at(-1) !== op.OP_CHECKMULTISIG) return undefined;
  const [needed, count] = [script[0]! - op.OP_1 + 1, script.at(-2)! - op.OP_1 + 1];
  const keys: Buffer[] = [];
  let at = 1;
  while (at < script.length - 2) {
    const size = script[at]!;
    if (size !== 33 && size !== 65) return undefined;
    keys.push(script.subarray(at + 1, at + 1 + size));
    at += 1 + size;
  }
  const fits = at === script.length - 2 && keys.length === count && needed >= 1 && needed <= count;
  return fits ? { needed, keys, isMultisig: true } : undefined;
}

function unlocks(psbt: Psbt, index: number, unlocking: Unlocking): boolean {
  const output = spentOutput(psbt, index)!;
  const spent =
    spentOutputs(psbt) ??
    psbt.transaction.inputs.map((_, at) => (at === index ? output : { value: 0, script: nothing }));
  const inputs = psbt.transaction.inputs.map(
    (input, at): TxInput => (at === index ? { ...input, ...unlocking } : input),
  );
  const checker = new TransactionChecker(new Spending({ ...psbt.transaction, inputs }, spent), index);
  return verifyScript({ ...unlocking, spent: output.script }, consensusFlags, checker) === undefined;
}
