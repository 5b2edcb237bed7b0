/** PSBTs and raw transactions. */

import { ByteReader } from "../../primitives/bytes.ts";
import { hashText } from "../../primitives/hash.ts";
import { encodeTransaction, type OutPoint, outPointKey, type TxOutput } from "../../primitives/transaction.ts";
import { combinePsbts } from "../../wallet/psbt/combine.ts";
import { globalRows, inputField, inputRows, outputField, outputRows, unknownFields } from "../../wallet/psbt/fields.ts";
import { extractTransaction, finalizePsbt, finalUnlocking } from "../../wallet/psbt/finalize.ts";
import type { FieldMap } from "../../wallet/psbt/maps.ts";
import { formatPsbt, type Psbt, parsePsbt, previousOf, spentOutput, spentOutputs } from "../../wallet/psbt/psbt.ts";
import { sighashTypeOf } from "../../wallet/signer.ts";
import type { RpcContext, RpcMethod } from "../context.ts";
import { RpcError } from "../errors.ts";
import { optional, param, withDefault } from "../method.ts";
import { outpointOf } from "../methods/making.ts";
import { decode } from "../methods/transactions.ts";
import { coins } from "../views/numbers.ts";
import { scriptText, scriptView } from "../views/script.ts";
import { transactionView } from "../views/transaction.ts";
import { paymentsOf, row, satoshis, walletRow } from "./common.ts";
import { feePayers } from "./sending.ts";

const psbt = param.string("a PSBT in base64");
const sighashtype = optional(param.string("ALL unless given"));
const typeNumber = (name: string | undefined): number | undefined =>
  name === undefined ? undefined : sighashTypeOf(name);

/** What the caller says that inputs spend. */
function previousOutputs(
  given: readonly Readonly<Record<string, unknown>>[] | undefined,
): ReadonlyMap<string, TxOutput> {
  return new Map(
    (given ?? []).map((one) => {
      const { scriptPubKey, amount } = one;
      if (typeof scriptPubKey !== "string") throw new RpcError("type", "scriptPubKey must be a string");
      const script = param.hex("").read(scriptPubKey, "scriptPubKey");
      const value = amount === undefined ? 0 : satoshis(param.amount("").read(amount, "amount"));
      return [outPointKey(outpointOf(one)), { value, script }];
    }),
  );
}

type FundOptions = Readonly<Record<string, unknown>>;
const flag = (options: FundOptions, name: string): boolean | undefined =>
  optional(param.boolean("")).read(options[name], name);
const text = (options: FundOptions, name: string): string | undefined =>
  optional(param.string("")).read(options[name], name);

function fundOptions(options: FundOptions, addresses: readonly string[], inputs: readonly OutPoint[]) {
  const payers = options["subtractFeeFromOutputs"] ?? options["subtract_fee_from_outputs"];
  return {
    feeRate: optional(param.amount("")).read(options["fee_rate"], "fee_rate"),
    confirmationTarget: optional(param.integer("", 1, 1008)).read(options["conf_target"], "conf_target"),
    replaceable: flag(options, "replaceable"),
    changeAddress: text(options, "changeAddress") ?? text(options, "change_address"),
    subtractFeeFrom: feePayers(Array.isArray(payers) ? payers : undefined, addresses),
    ...(inputs.length > 0 && { inputs, addInputs: flag(options, "add_inputs") ?? false }),
  };
}

const hexOf = (bytes: Buffer): string => bytes.toString("hex");
const scriptOnly = (script: Buffer) => ({ asm: scriptText(script), hex: hexOf(script) });

function pathText(bytes: Buffer): { readonly master_fingerprint: string; readonly path: string } {
  const reader = new ByteReader(bytes);
  const fingerprint = hexOf(reader.bytes(4));
  const steps: string[] = [];
  while (reader.left > 0) {
    const step = reader.u32();
    steps.push(step >= 2 ** 31 ? `${step - 2 ** 31}h` : String(step));
  }
  return { master_fingerprint: fingerprint, path: ["m", ...steps].join("/") };
}

const tapPath = (key: Buffer, value: Buffer) => {
  const reader = new ByteReader(value);
  const leaves = reader.list(32, () => hexOf(reader.hash()));
  return { pubkey: hexOf(key), ...pathText(reader.bytes(reader.left)), leaf_hashes: leaves };
};

function unknownView(map: FieldMap, rows: Parameters<typeof unknownFields>[1]): object {
  const unknown = unknownFields(map, rows);
  if (unknown.length === 0) return {};
  return { unknown: Object.fromEntries(unknown.map(({ key, value }) => [hexOf(key), hexOf(value)])) };
}

/** The parts that inputs and outputs share. */
function mapView(map: FieldMap, field: typeof inputField | typeof outputField): object {
  const [redeem, witness] = [map.get(field.redeemScript), map.get(field.witnessScript)];
  const [paths, tapPaths] = [map.all(field.derivation), map.all(field.tapDerivation)];
  const internal = map.get(field.tapInternalKey);
  return {
    ...(redeem && { redeem_script: scriptOnly(redeem) }),
    ...(witness && { witness_script: scriptOnly(witness) }),
    ...(paths.length > 0 && {
      bip32_derivs: paths.map(({ keyData, value }) => ({ pubkey: hexOf(keyData), ...pathText(value) })),
    }),
    ...(internal && { taproot_internal_key: hexOf(internal) }),
    ...(tapPaths.length > 0 && { taproot_bip32_derivs: tapPaths.map(({ keyData, value }) => tapPath(keyData, value)) }),
  };
}

function inputView(decoded: Psbt, index: number, network: RpcContext["chain"]["network"]): object {
  const map = decoded.inputs[index]!;
  const previous = previousOf(map);
  const witnessed = map.get(inputField.witnessUtxo) ? spentOutput(decoded, index) : undefined;
  const signatures = map.all(inputField.partialSignature);
  const type = map.get(inputField.sighashType);
  const [keySignature, root] = [map.get(inputField.tapKeySignature), map.get(inputField.tapMerkleRoot)];
  const { script, witness } = finalUnlocking(map);
  return {
    ...(previous && { non_witness_utxo: transactionView(previous, network) }),
    ...(witnessed && {
      witness_utxo: { amount: coins(witnessed.value), scriptPubKey: scriptView(witnessed.script, network) },
    }),
    ...(signatures.length > 0 && {
      partial_signatures: Object.fromEntries(signatures.map(({ keyData, value }) => [hexOf(keyData), hexOf(value)])),
    }),
    ...(type && { sighash: sighashName(type.readUInt32LE()) }),
    ...mapView(map, inputField),
    ...(script.length > 0 && { final_scriptSig: scriptOnly(script) }),
    ...(witness.length > 0 && { final_scriptwitness: witness.map(hexOf) }),
    ...(keySignature && { taproot_key_path_sig: hexOf(keySignature) }),
    ...(root && { taproot_merkle_root: hexOf(root) }),
    ...unknownView(map, inputRows),
  };
}

const sighashName = (type: number): string => {
  const base = ["DEFAULT", "ALL", "NONE", "SINGLE"][type & 0x7f] ?? String(type);
  return type & 0x80 ? `${base}|ANYONECANPAY` : base;
};

function psbtView(decoded: Psbt, network: RpcContext["chain"]["network"]): object {
  const { hex: _hex, ...tx } = transactionView(decoded.transaction, network);
  const spent = spentOutputs(decoded);
  const paid = decoded.transaction.outputs.reduce((sum, { value }) => sum + value, 0);
  return {
    tx,
    psbt_version: 0,
    ...unknownView(decoded.global, globalRows),
    inputs: decoded.inputs.map((_, index) => inputView(decoded, index, network)),
    outputs: decoded.outputs.map((map) => ({ ...mapView(map, outputField), ...unknownView(map, outputRows) })),
    ...(spent && { fee: coins(spent.reduce((sum, { value }) => sum + value, 0) - paid) }),
  };
}

export const signingMethods: readonly RpcMethod[] = [
  walletRow(
    "walletcreatefundedpsbt",
    "a PSBT that pays, with inputs of the wallet",
    {
      inputs: optional(param.list("coins to spend; chosen when empty", param.object("txid and vout"))),
      outputs: param.json("coins by address"),
      locktime: optional(param.integer("must be left out: the tip's height is taken")),
      options: withDefault(
        param.object("fee_rate, conf_target, replaceable, changeAddress, add_inputs, subtractFeeFromOutputs"),
        {},
      ),
      bip32derivs: withDefault(param.boolean("tell where keys come from"), true),
    },
    async (wallet, values) => {
      const payments = paymentsOf(values.outputs);
      const addresses = payments.map(({ address }) => address);
      const options = fundOptions(values.options, addresses, (values.inputs ?? []).map(outpointOf));
      const funded = await wallet.signer.fund(payments, { ...options, withPaths: values.bip32derivs });
      return { psbt: funded.psbt, fee: coins(funded.fee), changepos: funded.changeIndex };
    },
  ),
  walletRow(
    "walletprocesspsbt",
    "adds what the wallet knows, and its signatures",
    {
      psbt,
      sign: withDefault(param.boolean("sign too"), true),
      sighashtype,
      bip32derivs: withDefault(param.boolean("tell where keys come from"), true),
      finalize: withDefault(param.boolean("finalize what can be"), true),
    },
    async (wallet, values) => {
      const processed = await wallet.signer.process(values.psbt, {
        sign: values.sign,
        sighashType: typeNumber(values.sighashtype),
        finalize: values.finalize,
        withPaths: values.bip32derivs,
      });
      const { transaction } = processed;
      return {
        psbt: processed.psbt,
        complete: processed.complete,
        ...(transaction && { hex: hexOf(encodeTransaction(transaction)) }),
      };
    },
  ),
  walletRow(
    "signrawtransactionwithwallet",
    "signs the inputs that are the wallet's",
    {
      hexstring: param.hex("the transaction"),
      prevtxs: optional(
        param.list("outputs that it spends and nobody knows yet", param.object("txid, vout, scriptPubKey, amount")),
      ),
      sighashtype,
    },
    async (wallet, values) => {
      const outputs = previousOutputs(values.prevtxs);
      const signed = await wallet.signer.signTransaction(
        decode(values.hexstring),
        outputs,
        typeNumber(values.sighashtype),
      );
      const errors = signed.errors.map(({ index, error }) => {
        const { prevout, sequence } = signed.transaction.inputs[index]!;
        return { txid: hashText(prevout.hash), vout: prevout.index, sequence, error };
      });
      return {
        hex: hexOf(encodeTransaction(signed.transaction)),
        complete: signed.complete,
        ...(errors.length > 0 && { errors }),
      };
    },
  ),
  row(
    "finalizepsbt",
    "finalizes what can be, and extracts the transaction",
    { psbt, extract: withDefault(param.boolean("extract it"), true) },
    (_, values) => {
      const { psbt: finalized, complete } = finalizePsbt(parsePsbt(values.psbt));
      const transaction = values.extract && complete ? extractTransaction(finalized) : undefined;
      return transaction
        ? { hex: hexOf(encodeTransaction(transaction)), complete }
        : { psbt: formatPsbt(finalized), complete };
    },
  ),
  row("combinepsbt", "one PSBT of many of one transaction", { txs: param.list("PSBTs in base64", psbt) }, (_, values) =>
    formatPsbt(combinePsbts(values.txs.map(parsePsbt))),
  ),
  row("decodepsbt", "a PSBT's parts", { psbt }, ({ chain }, values) => psbtView(parsePsbt(values.psbt), chain.network)),
];
