/** The account statement: a ledger's rows as lines that people read. */
import { hashText } from "../../primitives/hash.ts";
import { encodeTransaction } from "../../primitives/transaction.ts";
import type { HistoryEntry, TransactionStatus, WalletTransaction } from "../types.ts";
import { type ChainFacts, depthOf, isMature } from "./balance.ts";
import type { Ledger } from "./ledger.ts";
import { isChange, type Row } from "./row.ts";

/** What lines need besides the ledger. */
export interface Statement {
  readonly ledger: Ledger;
  readonly facts: ChainFacts;
  readonly addressOf: (script: Buffer) => string | undefined;
  readonly labelOf: (address: string) => string | undefined;
}

export function statusOf({ ledger, facts }: Statement, row: Row): TransactionStatus {
  const kind = ledger.state(row);
  if (row.block)
    return {
      kind: "confirmed",
      depth: depthOf(row, facts),
      height: row.block.height,
      blockHash: hashText(row.block.hash),
      blockTime: row.block.time,
      blockIndex: row.block.index,
    };
  return kind === "conflicted" ? { kind, depth: -1 } : { kind: kind === "confirmed" ? "inactive" : kind };
}

export function transactionOf(statement: Statement, row: Row): WalletTransaction {
  const { value: debit, all } = statement.ledger.debitOf(row);
  const credit = row.credits.reduce((sum, { value }) => sum + value, 0);
  const fee = all ? row.outputValue - debit : undefined;
  return {
    txid: hashText(row.txid),
    amount: credit - debit - (fee ?? 0),
    fee,
    status: statusOf(statement, row),
    time: timeOf(row),
    hex: row.transaction && encodeTransaction(row.transaction).toString("hex"),
    entries: entriesOf(statement, row),
  };
}

/** `count` lines after `skip` newer ones, the newest first. */
export function entriesBetween(statement: Statement, skip: number, count: number): HistoryEntry[] {
  const { rows, before } = statement.ledger.timeline.stretch(skip, count);
  return rows.flatMap((row) => entriesOf(statement, row)).slice(before, before + count);
}

/** Payments out first, then payments in. Our own change is no line. */
export function entriesOf(statement: Statement, row: Row): HistoryEntry[] {
  const { value: debit, all } = statement.ledger.debitOf(row);
  const common = commonOf(statement, row);
  const line = (category: HistoryEntry["category"], script: Buffer, vout: number, amount: number): HistoryEntry => {
    const address = statement.addressOf(script);
    const fee = category === "send" && all ? row.outputValue - debit : undefined;
    return { ...common, category, address, vout, amount, fee, label: address && statement.labelOf(address) };
  };
  const own = row.credits.filter((credit) => !isChange(credit, debit));
  return [
    ...(debit > 0 ? row.payouts.map(({ vout, value, script }) => line("send", script, vout, -value)) : []),
    ...(debit > 0 ? own.map(({ vout, value, owner }) => line("send", owner.script, vout, -value)) : []),
    ...own.map(({ vout, value, owner }) => line(categoryOf(statement, row), owner.script, vout, value)),
  ];
}

function commonOf(statement: Statement, row: Row) {
  return {
    txid: hashText(row.txid),
    status: statusOf(statement, row),
    time: timeOf(row),
    replaceable: row.replaceable && !row.block,
    replacedBy: row.note.replacedBy,
    replaces: row.note.replaces,
    comment: row.note.comment,
  };
}

/** Seconds since 1970. */
export const timeOf = (row: Row): number => (row.block ? Math.min(row.block.time, row.received) : row.received);

function categoryOf({ facts }: Statement, row: Row): HistoryEntry["category"] {
  if (!row.isCoinbase) return "receive";
  if (!row.block) return "orphan";
  return isMature(row, facts) ? "generate" : "immature";
}
