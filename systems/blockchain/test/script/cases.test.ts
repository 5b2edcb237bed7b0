/** Scripts and how they end, in the notation of Bitcoin Core's tests. */
import { expect, test } from "vitest";
import { op } from "../../src/script/opcodes.ts";
import { assemble } from "./assembly.ts";
import { runScriptCase } from "./script-cases.ts";

const none: readonly Buffer[] = [];
const consensus = "P2SH,DERSIG,NULLDUMMY,CHECKLOCKTIMEVERIFY,CHECKSEQUENCEVERIFY,WITNESS,TAPROOT";

/** The generator's point as a key, and keys of other forms. */
const key = "0x21 0x0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
const hybridKey =
  "0x41 0x0679be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8";
/** Well-formed and wrong. */
const signature = "0x09 0x300602010102010101";
const highSignature = "0x28 0x302502010102207fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a101";

test.each([
  ["", "1", consensus, "OK"],
  ["", "", consensus, "EVAL_FALSE"],
  ["0x01 0x80", "NOP", consensus, "EVAL_FALSE"],
  ["0x02 0x0080", "NOP", consensus, "EVAL_FALSE"],
  ["0x02 0x8000", "NOP", consensus, "OK"],
  ["1", "IF 0 ELSE 1 ENDIF", consensus, "EVAL_FALSE"],
  ["0", "NOTIF 1 ELSE 0 ENDIF", consensus, "OK"],
  ["1", "IF 1 ELSE 0 ELSE 1 ENDIF", consensus, "OK"],
  ["0", "IF VERIF ENDIF 1", consensus, "BAD_OPCODE"],
  ["0", "IF VER RESERVED RESERVED1 ENDIF 1", consensus, "OK"],
  ["0", "IF CAT ENDIF 1", consensus, "DISABLED_OPCODE"],
  ["1", "IF 1", consensus, "UNBALANCED_CONDITIONAL"],
  ["1", "ENDIF", consensus, "UNBALANCED_CONDITIONAL"],
  ["", "IF 1 ENDIF", consensus, "INVALID_STACK_OPERATION"],
  ["1", "RETURN", consensus, "OP_RETURN"],
  ["0", "VERIFY 1", consensus, "VERIFY"],
  ["1 2", "TOALTSTACK DROP FROMALTSTACK 2 EQUAL", consensus, "OK"],
  ["1", "FROMALTSTACK", consensus, "INVALID_ALTSTACK_OPERATION"],
  ["1 2 3 4 5 6", "2ROT 2 EQUALVERIFY 1 EQUALVERIFY 6 EQUALVERIFY DEPTH 3 EQUAL", consensus, "OK"],
  ["1 2 3 4", "2SWAP 2 EQUALVERIFY 1 EQUALVERIFY 4 EQUALVERIFY 3 EQUAL", consensus, "OK"],
  ["1 2 3 4", "2OVER 2 EQUALVERIFY 1 EQUALVERIFY DEPTH 4 EQUAL", consensus, "OK"],
  ["1 2 3", "3DUP 3 EQUALVERIFY 2 EQUALVERIFY 1 EQUALVERIFY 3 EQUAL", consensus, "OK"],
  ["1 2", "2DUP 2 EQUALVERIFY 1 EQUALVERIFY 2DROP DEPTH NOT", consensus, "OK"],
  ["1 2 3", "ROT 1 EQUALVERIFY 3 EQUALVERIFY 2 EQUAL", consensus, "OK"],
  ["1 2", "SWAP 1 EQUALVERIFY 2 EQUAL", consensus, "OK"],
  ["1 2", "TUCK DEPTH 3 EQUALVERIFY 2 EQUALVERIFY 1 EQUALVERIFY 2 EQUAL", consensus, "OK"],
  ["1 2", "OVER 1 EQUALVERIFY NIP 2 EQUAL", consensus, "OK"],
  ["7 8 9", "2 PICK 7 EQUALVERIFY 2 ROLL 7 EQUALVERIFY DEPTH 2 EQUAL", consensus, "OK"],
  ["7 8 9", "3 PICK", consensus, "INVALID_STACK_OPERATION"],
  ["7 8 9", "-1 ROLL", consensus, "INVALID_STACK_OPERATION"],
  ["0", "IFDUP DEPTH 1 EQUAL", consensus, "OK"],
  ["'abc'", "SIZE 3 EQUAL", consensus, "OK"],
  ["2147483647 2147483647", "ADD 4294967294 EQUAL", consensus, "OK"],
  ["2147483647 1ADD", "1ADD 1", "P2SH", "SCRIPTNUM"],
  ["-5", "ABS 5 EQUALVERIFY 1 NEGATE 1SUB -2 EQUAL", consensus, "OK"],
  ["5", "0NOTEQUAL 1 EQUALVERIFY 0 NOT", consensus, "OK"],
  ["5 3", "SUB 2 NUMEQUALVERIFY 1 2 NUMNOTEQUAL", consensus, "OK"],
  ["1 2", "NUMEQUALVERIFY 1", consensus, "NUMEQUALVERIFY"],
  ["1 0", "BOOLOR 1 0 BOOLAND NOT BOOLAND", consensus, "OK"],
  [
    "1 2",
    "LESSTHAN 2 1 GREATERTHAN BOOLAND 2 2 LESSTHANOREQUAL BOOLAND 2 2 GREATERTHANOREQUAL BOOLAND",
    consensus,
    "OK",
  ],
  ["5 3", "MIN 3 EQUALVERIFY 5 3 MAX 5 EQUAL", consensus, "OK"],
  ["1 1 2", "WITHIN 2 1 2 WITHIN NOT BOOLAND", consensus, "OK"],
  ["'a'", "SHA1 0x14 0x86f7e437faa5a7fce15d1ddcb9eaeaea377667b8 EQUAL", consensus, "OK"],
  ["'a'", "RIPEMD160 0x14 0x0bdc9d2d256b3ee9daae347be6f4dc835a467ffe EQUAL", consensus, "OK"],
  ["'a'", "SHA256 0x20 0xca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb EQUAL", consensus, "OK"],
  ["'a'", "HASH256 0x20 0xbf5d3affb73efd2ec6c36ad3112dd933efed63c4e1cbffcfa88e2759c144f2d8 EQUAL", consensus, "OK"],
  ["'a'", "HASH160 0x14 0x994355199e516ff76c4fa4aab39337b9d84cf12b EQUALVERIFY 1", consensus, "OK"],
  ["1", "0x4c", consensus, "BAD_OPCODE"],
  ["1", "0x4d 0x01", consensus, "BAD_OPCODE"],
  ["1", "0xba", consensus, "BAD_OPCODE"],
  ["1", "0xff", consensus, "BAD_OPCODE"],
  ["1", "NOP10", consensus, "OK"],
  ["1", "NOP10", `${consensus},DISCOURAGE_UPGRADABLE_NOPS`, "DISCOURAGE_UPGRADABLE_NOPS"],
  ["1", "CHECKLOCKTIMEVERIFY", consensus, "UNSATISFIED_LOCKTIME"],
  ["-1", "CHECKLOCKTIMEVERIFY", consensus, "NEGATIVE_LOCKTIME"],
  ["-1", "CHECKLOCKTIMEVERIFY", "P2SH", "OK"],
  ["1", "CHECKSEQUENCEVERIFY", consensus, "UNSATISFIED_LOCKTIME"],
  ["2147483648", "CHECKSEQUENCEVERIFY", consensus, "OK"],
  ["0x01 0x01", "1 EQUAL", `${consensus},MINIMALDATA`, "MINIMALDATA"],
  ["0x02 0x0100", "NOT NOT", `${consensus},MINIMALDATA`, "SCRIPTNUM"],
  ["1 1", "NOP", `${consensus},CLEANSTACK`, "CLEANSTACK"],
  ["NOP 1", "NOP", `${consensus},SIGPUSHONLY`, "SIG_PUSHONLY"],
  ["0", `${key} CHECKSIG NOT`, consensus, "OK"],
  [signature, `${key} CHECKSIG NOT`, consensus, "OK"],
  [signature, `${key} CHECKSIG NOT`, `${consensus},NULLFAIL`, "NULLFAIL"],
  ["0x01 0x01", `${key} CHECKSIG NOT`, consensus, "SIG_DER"],
  ["0x01 0x01", `${key} CHECKSIG NOT`, "P2SH", "OK"],
  [highSignature, `${key} CHECKSIG NOT`, `${consensus},LOW_S`, "SIG_HIGH_S"],
  ["0x09 0x300602010102010105", `${key} CHECKSIG NOT`, `${consensus},STRICTENC`, "SIG_HASHTYPE"],
  ["0", `${hybridKey} CHECKSIG NOT`, `${consensus},STRICTENC`, "PUBKEYTYPE"],
  [signature, `${hybridKey} CHECKSIG NOT`, consensus, "OK"],
  ["0", `${key} CHECKSIGVERIFY 1`, consensus, "CHECKSIGVERIFY"],
  ["0 0", `1 ${key} 1 CHECKMULTISIG NOT`, consensus, "OK"],
  ["1 0", `1 ${key} 1 CHECKMULTISIG NOT`, consensus, "SIG_NULLDUMMY"],
  ["0 0 0", "CHECKMULTISIG", consensus, "OK"],
  ["0 0", "21 CHECKMULTISIG", consensus, "PUBKEY_COUNT"],
  ["0 0", `2 ${key} 1 CHECKMULTISIG`, consensus, "SIG_COUNT"],
  ["0 0", `1 ${key} 1 CHECKMULTISIGVERIFY`, consensus, "CHECKMULTISIGVERIFY"],
  [signature, `CODESEPARATOR ${key} CHECKSIG NOT`, `${consensus},CONST_SCRIPTCODE`, "OP_CODESEPARATOR"],
  [signature, `${signature} DROP ${key} CHECKSIG NOT`, `${consensus},CONST_SCRIPTCODE`, "SIG_FINDANDDELETE"],
  ["1 0x01 0x51", "HASH160 0x14 0xda1745e9b549bd0bfa1a569971c77eba30cd5a4b EQUAL", consensus, "OK"],
  ["NOP 1 0x01 0x51", "HASH160 0x14 0xda1745e9b549bd0bfa1a569971c77eba30cd5a4b EQUAL", consensus, "SIG_PUSHONLY"],
  ["0x01 0x00", "HASH160 0x14 0x9f7fd096d37ed2c0e3f7f0cfc924beef4ffceb68 EQUAL", consensus, "EVAL_FALSE"],
  ["0x01 0x00", "HASH160 0x14 0x9f7fd096d37ed2c0e3f7f0cfc924beef4ffceb68 EQUAL", "NONE", "OK"],
] as const)("%s | %s by %s: %s", (script, spent, flags, expected) => {
  const outcome = runScriptCase({
    script: assemble(script),
    spent: assemble(spent),
    witness: none,
    value: 0,
    flags,
    expected,
  });
  expect(outcome).toBe(expected);
});

const bytes = (hex: string): Buffer => Buffer.from(hex, "hex");
/** OP_1 as a script of segwit v0, by its hash. */
const oneHash = "0 0x20 0x4ae81572f06e1b88fd5ced7a1a000945432e83e1551e6f721ee9c00b8cc33260";

test.each([
  ["no witness", oneHash, [], consensus, "WITNESS_PROGRAM_WITNESS_EMPTY"],
  ["its script", oneHash, ["51"], consensus, "OK"],
  ["another script", oneHash, ["52"], consensus, "WITNESS_PROGRAM_MISMATCH"],
  ["an item too many", oneHash, ["01", "51"], consensus, "CLEANSTACK"],
  ["an item too large", oneHash, ["00".repeat(521), "51"], consensus, "PUSH_SIZE"],
  ["a hash of 20 bytes and one item", `0 0x14 0x${"01".repeat(20)}`, ["51"], consensus, "WITNESS_PROGRAM_MISMATCH"],
  ["a program of 21 bytes", `0 0x15 0x${"01".repeat(21)}`, ["51"], consensus, "WITNESS_PROGRAM_WRONG_LENGTH"],
  ["a version to come", `2 0x02 0x0101`, ["51"], consensus, "OK"],
  [
    "a version to come, by policy",
    `2 0x02 0x0101`,
    ["51"],
    `${consensus},DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM`,
    "DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM",
  ],
  ["an anchor, by policy", `1 0x02 0x4e73`, [], `${consensus},DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM`, "OK"],
  ["no program", "1", ["51"], consensus, "WITNESS_UNEXPECTED"],
  ["a key of taproot and a short signature", `1 0x20 0x${"01".repeat(32)}`, ["51"], consensus, "SCHNORR_SIG_SIZE"],
  [
    "a key of taproot and a hash type of zero",
    `1 0x20 0x${"01".repeat(32)}`,
    ["00".repeat(65)],
    consensus,
    "SCHNORR_SIG_HASHTYPE",
  ],
  ["a short control block", `1 0x20 0x${"01".repeat(32)}`, ["51", "c0"], consensus, "TAPROOT_WRONG_CONTROL_SIZE"],
  [
    "another control block",
    `1 0x20 0x${"01".repeat(32)}`,
    ["51", `c0${"02".repeat(32)}`],
    consensus,
    "WITNESS_PROGRAM_MISMATCH",
  ],
  ["taproot before taproot", `1 0x20 0x${"01".repeat(32)}`, ["51"], "P2SH,WITNESS", "OK"],
] as const)("an output of segwit with %s", (_, spent, witness, flags, expected) => {
  const all = witness.map(bytes);
  expect(runScriptCase({ script: bytes(""), spent: assemble(spent), witness: all, value: 0, flags, expected })).toBe(
    expected,
  );
});

test.each([
  [10_000, "OP_COUNT"],
  [10_001, "SCRIPT_SIZE"],
])("a script of %i bytes", (size, expected) => {
  const spent = Buffer.alloc(size, op.OP_NOP);
  const testCase = { script: assemble("1"), spent, witness: none, value: 0, flags: consensus, expected };
  expect(runScriptCase(testCase)).toBe(expected);
});

test("a script that leaves a thousand items and one more", () => {
  const run = (count: number): string =>
    runScriptCase({
      script: Buffer.alloc(count - 1, 0x51),
      spent: assemble("1"),
      witness: none,
      value: 0,
      flags: consensus,
      expected: "",
    });
  expect([run(1000), run(1001)]).toEqual(["OK", "STACK_SIZE"]);
});
