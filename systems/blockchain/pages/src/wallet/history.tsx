import { useState } from "react";
import type { HistoryView, Page } from "../../../src/web/views.ts";
import { request } from "../api/client.ts";
import { useLive } from "../api/live.tsx";
import { useData } from "../api/use-data.ts";
import { time } from "../parts/format.ts";
import { Amount, type Column, Failure, Id, Loading, Table } from "../parts/parts.tsx";
import { useAction } from "./use-action.ts";
import { type WalletContext, walletPath } from "./wallet.tsx";

export function History({ wallet, apiKey }: WalletContext) {
  const { payments } = useLive();
  const [page, setPage] = useState(1);
  const { data, error, reload } = useData<Page<HistoryView>>(walletPath(wallet, `/history?limit=25&page=${page}`), {
    key: apiKey,
    version: payments,
  });
  const bump = useAction(async (txid: string) => {
    await request(walletPath(wallet, `/payments/${txid}/bump`), { method: "POST", key: apiKey, body: {} });
    reload();
  });
  if (!data) return error ? <Failure error={error} /> : <Loading />;
  const columns: readonly Column<HistoryView>[] = [
    { name: "Time", cell: ({ timestamp }) => time(timestamp) },
    { name: "Amount", cell: ({ amount }) => <Amount value={amount} sign />, isNumber: true },
    { name: "State", cell: stateOf },
    {
      name: "For",
      cell: ({ label, comment, address }) => label ?? comment ?? (address && <Id kind="address" id={address} />),
    },
    { name: "Transaction", cell: ({ txid }) => <Id kind="tx" id={txid} /> },
    {
      name: "Fee",
      cell: ({ txid, category, status, replaceable }) =>
        category === "send" && status === "mempool" && replaceable ? (
          <button type="button" className="quiet" disabled={bump.isBusy} onClick={() => bump.run(txid)}>
            Pay more
          </button>
        ) : null,
    },
  ];
  return (
    <>
      <Failure error={bump.error} />
      <Table
        caption="Payments"
        columns={columns}
        items={data.items}
        keyOf={({ txid, category, address, amount }) => `${txid} ${category} ${address} ${amount}`}
        empty="No payments yet."
      />
      {data.total > data.limit && (
        <nav className="pager" aria-label="Pages">
          <button type="button" className="quiet" disabled={page === 1} onClick={() => setPage(page - 1)}>
            Newer
          </button>
          <button
            type="button"
            className="quiet"
            disabled={page * data.limit >= data.total}
            onClick={() => setPage(page + 1)}
          >
            Older
          </button>
        </nav>
      )}
    </>
  );
}

function stateOf({ status, category }: HistoryView): string {
  if (category === "immature") return "new coins, too young to spend";
  return status === "mempool" ? "waiting" : status;
}
