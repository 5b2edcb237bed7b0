/** The opcodes that check signatures. */
import type { Machine, TapscriptRun } from "./machine.ts";
import { findAndDelete, pushOf } from "./parse.ts";
import type { ScriptResult } from "./script-error.ts";
import { checkKeyEncoding, checkSignatureEncoding } from "./signature-encoding.ts";

const mostKeys = 20;
const mostOperations = 201;
/** BIP 342: what one signature takes of the budget. */
const signatureWeight = 50;

/** Whether a signature is valid, or why the script fails altogether. */
type Checked = { readonly valid: boolean } | { readonly error: NonNullable<ScriptResult> };

const valid: Checked = { valid: true };
const invalid: Checked = { valid: false };

/** The part of the script that is signed; before segwit without the signatures themselves. */
function scriptCodeOf(m: Machine, signatures: readonly Buffer[]): { code: Buffer; changed: boolean } {
  const whole = m.codeStart === 0 ? m.script : m.script.subarray(m.codeStart);
  if (m.version !== "base") return { code: whole, changed: false };
  let code = whole;
  for (const signature of signatures) code = findAndDelete(code, pushOf(signature));
  return { code, changed: code !== whole };
}

function checkBeforeTapscript(m: Machine, signature: Buffer, key: Buffer): Checked {
  const { code, changed } = scriptCodeOf(m, [signature]);
  if (changed && m.has("CONST_SCRIPTCODE")) return { error: "SIG_FINDANDDELETE" };
  const isWitness = m.version === "witness";
  const error = checkSignatureEncoding(signature, m.flags) ?? checkKeyEncoding(key, m.flags, isWitness);
  if (error !== undefined) return { error };
  if (m.checker.checkEcdsa(signature, key, code, isWitness)) return valid;
  return m.has("NULLFAIL") && signature.length > 0 ? { error: "NULLFAIL" } : invalid;
}

/** An empty signature is the way to fail; any other must be valid. */
function checkInTapscript(m: Machine, run: TapscriptRun, signature: Buffer, key: Buffer): Checked {
  const present = signature.length > 0;
  if (present) {
    run.weightLeft -= signatureWeight;
    if (run.weightLeft < 0) return { error: "TAPSCRIPT_VALIDATION_WEIGHT" };
  }
  if (key.length === 0) return { error: "TAPSCRIPT_EMPTY_PUBKEY" };
  if (key.length !== 32) {
    return m.has("DISCOURAGE_UPGRADABLE_PUBKEYTYPE")
      ? { error: "DISCOURAGE_UPGRADABLE_PUBKEYTYPE" }
      : { valid: present };
  }
  const error = present ? m.checker.checkSchnorr(signature, key, m.taprootContext(run)) : undefined;
  return error === undefined ? { valid: present } : { error };
}

const check = (m: Machine, signature: Buffer, key: Buffer): Checked =>
  m.tapscript === undefined
    ? checkBeforeTapscript(m, signature, key)
    : checkInTapscript(m, m.tapscript, signature, key);

export function checkSignature(m: Machine): ScriptResult {
  m.need(2);
  const checked = check(m, m.top(1), m.top(0));
  if ("error" in checked) return checked.error;
  m.stack.length -= 2;
  m.pushBoolean(checked.valid);
  return undefined;
}

/** BIP 342: adds one to a number if the signature is valid. */
export function checkSignatureAdd(m: Machine): ScriptResult {
  if (m.tapscript === undefined) return "BAD_OPCODE";
  m.need(3);
  const number = m.numberAt(1);
  const checked = check(m, m.top(2), m.top(0));
  if ("error" in checked) return checked.error;
  m.stack.length -= 3;
  m.pushNumber(number + (checked.valid ? 1 : 0));
  return undefined;
}

/** `dummy sig… m key… n`: taken off the stack when all is there. */
interface Multisig {
  readonly signatures: readonly Buffer[];
  readonly keys: readonly Buffer[];
}

function readMultisig(m: Machine): Multisig | NonNullable<ScriptResult> {
  const keyCount = m.numberAt(0);
  if (keyCount < 0 || keyCount > mostKeys) return "PUBKEY_COUNT";
  m.opCount += keyCount;
  if (m.opCount > mostOperations) return "OP_COUNT";
  m.need(keyCount + 2);
  const signatureCount = m.numberAt(keyCount + 1);
  if (signatureCount < 0 || signatureCount > keyCount) return "SIG_COUNT";
  // One item more than there are arguments is taken off the stack: a bug of the first release that became a rule.
  m.need(keyCount + signatureCount + 3);
  return {
    keys: Array.from({ length: keyCount }, (_, i) => m.top(1 + i)),
    signatures: Array.from({ length: signatureCount }, (_, i) => m.top(keyCount + 2 + i)),
  };
}

/** Whether the signatures are valid by keys in the same order; encodings are checked of those pairs only that are tried. */
function matchKeys(m: Machine, { signatures, keys }: Multisig, code: Buffer): Checked {
  const isWitness = m.version === "witness";
  let s = 0;
  for (let k = 0; s < signatures.length; k++) {
    const signature = signatures[s] as Buffer;
    const key = keys[k] as Buffer;
    const error = checkSignatureEncoding(signature, m.flags) ?? checkKeyEncoding(key, m.flags, isWitness);
    if (error !== undefined) return { error };
    if (m.checker.checkEcdsa(signature, key, code, isWitness)) s += 1;
    if (signatures.length - s > keys.length - k - 1) return invalid;
  }
  return valid;
}

export function checkMultisig(m: Machine): ScriptResult {
  if (m.tapscript !== undefined) return "TAPSCRIPT_CHECKMULTISIG";
  const arguments_ = readMultisig(m);
  if (typeof arguments_ === "string") return arguments_;
  const { signatures, keys } = arguments_;
  const { code, changed } = scriptCodeOf(m, signatures);
  if (changed && m.has("CONST_SCRIPTCODE")) return "SIG_FINDANDDELETE";
  const checked = matchKeys(m, arguments_, code);
  if ("error" in checked) return checked.error;
  if (!checked.valid && m.has("NULLFAIL") && signatures.some((signature) => signature.length > 0)) return "NULLFAIL";
  m.stack.length -= signatures.length + keys.length + 2;
  if (m.has("NULLDUMMY") && m.top().length > 0) return "SIG_NULLDUMMY";
  m.pop();
  m.pushBoolean(checked.valid);
  return undefined;
}
