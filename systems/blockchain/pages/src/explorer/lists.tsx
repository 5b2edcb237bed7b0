/** Lists of blocks and transactions, as several pages show them. */
import type { BlockView, TransactionView } from "../../../src/web/views.ts";
import { count, time } from "../parts/format.ts";
import { Amount, type Column, Id, Table } from "../parts/parts.tsx";
import { Link } from "../router.tsx";

const blockColumns: readonly Column<BlockView>[] = [
  { name: "Height", cell: ({ height, hash }) => <Link href={`/block/${hash}`}>{height}</Link>, isNumber: true },
  { name: "Hash", cell: ({ hash }) => <Id kind="block" id={hash} /> },
  { name: "Time", cell: ({ timestamp }) => time(timestamp) },
  { name: "Transactions", cell: ({ transaction_count }) => count(transaction_count), isNumber: true },
  { name: "Bytes", cell: ({ size_bytes }) => count(size_bytes), isNumber: true },
];

export const BlockTable = ({ blocks }: { readonly blocks: readonly BlockView[] }) => (
  <Table caption="Blocks" columns={blockColumns} items={blocks} keyOf={({ hash }) => hash} empty="No blocks yet." />
);

const paid = ({ outputs }: TransactionView): number => outputs.reduce((sum, { value }) => sum + value, 0);

const transactionColumns: readonly Column<TransactionView>[] = [
  { name: "Transaction", cell: ({ txid }) => <Id kind="tx" id={txid} /> },
  {
    name: "Block",
    cell: ({ block_hash, block_height }) =>
      block_hash === null ? (
        <span className="muted">waiting</span>
      ) : (
        <Link href={`/block/${block_hash}`}>{block_height}</Link>
      ),
  },
  { name: "Time", cell: ({ timestamp }) => time(timestamp) },
  { name: "Moved", cell: (transaction) => <Amount value={paid(transaction)} />, isNumber: true },
  {
    name: "Fee per vbyte",
    cell: ({ fee, virtual_size, coinbase }) =>
      coinbase ? "new coins" : fee === null ? "?" : (fee / virtual_size).toFixed(1),
    isNumber: true,
  },
];

export const TransactionTable = ({
  items,
  empty,
}: {
  readonly items: readonly TransactionView[];
  readonly empty: string;
}) => (
  <Table caption="Transactions" columns={transactionColumns} items={items} keyOf={({ txid }) => txid} empty={empty} />
);
