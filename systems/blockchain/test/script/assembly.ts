/** The notation of Bitcoin Core's script tests: numbers, 'texts', 0x… for bytes as they are, and opcodes with or without OP_. */
import { type OpName, op } from "../../src/script/opcodes.ts";
import { pushNumber, pushOf } from "../../src/script/parse.ts";

function opcode(word: string): number {
  const name = (word.startsWith("OP_") ? word : `OP_${word}`) as OpName;
  const renamed = { OP_NOP2: op.OP_CHECKLOCKTIMEVERIFY, OP_NOP3: op.OP_CHECKSEQUENCEVERIFY }[name as string];
  const code = renamed ?? op[name];
  if (code === undefined) throw new TypeError(`unknown word ${word}`);
  return code;
}

function assembleWord(word: string): Buffer {
  if (/^-?\d+$/.test(word)) return pushNumber(Number(word));
  if (/^0x([0-9a-fA-F]{2})+$/.test(word)) return Buffer.from(word.slice(2), "hex");
  if (/^'.*'$/.test(word)) return pushOf(Buffer.from(word.slice(1, -1), "latin1"));
  return Buffer.from([opcode(word)]);
}

export const assemble = (text: string): Buffer =>
  Buffer.concat(
    text
      .split(/\s+/)
      .filter((word) => word !== "")
      .map(assembleWord),
  );
