/** Transactions made of what the caller names, without coins or keys of a wallet. */
import { scriptOfAddress } from "../../address/address.ts";
import { AddressError } from "../../address/errors.ts";
import type { AddressPrefixes } from "../../address/prefixes.ts";
import { hashFromText } from "../../primitives/hash.ts";
import {
  encodeTransaction,
  type OutPoint,
  type Transaction,
  type TxInput,
  type TxOutput,
} from "../../primitives/transaction.ts";
import { op } from "../../script/opcodes.ts";
import { pushOf } from "../../script/parse.ts";
import { createPsbt, formatPsbt } from "../../wallet/psbt/psbt.ts";
import { type RpcMethod, rpc } from "../context.ts";
import { RpcError } from "../errors.ts";
import { param, type ValuesOf, withDefault } from "../method.ts";
import { isObject, satoshis } from "../wallet/common.ts";

const FINAL = 0xffffffff;
/** BIP 125: the highest that says "may be replaced"; above it, that the lock time counts. */
const REPLACEABLE = 0xfffffffd;
const LOCKED = 0xfffffffe;

const parameters = {
  inputs: param.list("what to spend", param.object("txid, vout and maybe sequence")),
  outputs: param.json("coins by address, and data in hexadecimal under `data`; one object, or a list of such"),
  locktime: withDefault(param.integer("height or time before which it is in no block", 0, FINAL), 0),
  replaceable: withDefault(param.boolean("may be replaced (BIP 125)"), true),
  version: withDefault(param.integer("its version", 1, 3), 2),
};

/** Of an object with `txid` and `vout`. Throws RpcError. */
export function outpointOf({ txid, vout }: Readonly<Record<string, unknown>>): OutPoint {
  const hash = typeof txid === "string" ? hashFromText(txid) : undefined;
  if (!hash || typeof vout !== "number" || !Number.isInteger(vout) || vout < 0)
    throw new RpcError("invalidParameter", "Invalid parameter, an input is an object with txid and vout");
  return { hash, index: vout };
}

function inputOf(given: Readonly<Record<string, unknown>>, usual: number): TxInput {
  const { sequence = usual } = given;
  if (typeof sequence !== "number" || !Number.isInteger(sequence) || sequence < 0 || sequence > FINAL)
    throw new RpcError("invalidParameter", "Invalid parameter, sequence number is out of range");
  return { prevout: outpointOf(given), script: Buffer.alloc(0), sequence, witness: [] };
}

function outputsOf(given: unknown, prefixes: AddressPrefixes): TxOutput[] {
  const pairs = (Array.isArray(given) ? given : [given]).flatMap((one: unknown) => {
    if (isObject(one) && (!Array.isArray(given) || Object.keys(one).length === 1)) return Object.entries(one);
    throw new RpcError("invalidParameter", "Invalid parameter, outputs are pairs of an address and an amount");
  });
  const outputs = pairs.map(([name, value]) => (name === "data" ? dataOutput(value) : payment(name, value, prefixes)));
  const scripts = outputs.map(({ script }) => script.toString("hex"));
  const twice = pairs.find(([name], at) =>
    name === "data" ? pairs.findIndex(([other]) => other === name) < at : scripts.indexOf(scripts[at]!) < at,
  )?.[0];
  if (twice === undefined) return outputs;
  const what = twice === "data" ? "duplicate key" : "duplicated address";
  throw new RpcError("invalidParameter", `Invalid parameter, ${what}: ${twice}`);
}

const dataOutput = (value: unknown): TxOutput => {
  const data = param.hex("").read(value, "Data");
  return { value: 0, script: Buffer.concat([Buffer.of(op.OP_RETURN), pushOf(data)]) };
};

function payment(address: string, amount: unknown, prefixes: AddressPrefixes): TxOutput {
  try {
    const script = scriptOfAddress(address, prefixes);
    return { value: satoshis(param.amount("").read(amount, "Amount")), script };
  } catch (cause) {
    if (!(cause instanceof AddressError)) throw cause;
    throw new RpcError("invalidAddressOrKey", `Invalid Bitcoin address: ${address}`, { cause });
  }
}

function make(values: ValuesOf<typeof parameters>, prefixes: AddressPrefixes): Transaction {
  const { inputs, outputs, locktime: lockTime, replaceable, version } = values;
  const usual = replaceable ? REPLACEABLE : lockTime > 0 ? LOCKED : FINAL;
  const made = inputs.map((one) => inputOf(one, usual));
  if (replaceable && made.length > 0 && made.every(({ sequence }) => sequence > REPLACEABLE))
    throw new RpcError(
      "invalidParameter",
      "Invalid parameter combination: Sequence number(s) contradict replaceable option",
    );
  return { version, inputs: made, outputs: outputsOf(outputs, prefixes), lockTime };
}

const CATEGORY = "Rawtransactions";

export const makingMethods: readonly RpcMethod[] = [
  rpc("createrawtransaction", CATEGORY, "an unsigned transaction", parameters, ({ chain }, values) =>
    encodeTransaction(make(values, chain.network)).toString("hex"),
  ),
  rpc("createpsbt", CATEGORY, "an unsigned transaction as PSBT", parameters, ({ chain }, values) =>
    formatPsbt(createPsbt(make(values, chain.network))),
  ),
];
