import type { AddressView, Page, TransactionView } from "../../../src/web/views.ts";
import { useLive } from "../api/live.tsx";
import { useData } from "../api/use-data.ts";
import { count } from "../parts/format.ts";
import { Amount, Copy, Facts, Failure, Heading, Loading, Pager } from "../parts/parts.tsx";
import { Qr } from "../parts/qr.tsx";
import { pageOf, useLocation } from "../router.tsx";
import { TransactionTable } from "./lists.tsx";

export function AddressPage({ id }: { readonly id: string }) {
  const page = pageOf(useLocation());
  const { generation } = useLive();
  const path = encodeURIComponent(id);
  const address = useData<AddressView>(`/api/v1/wallet/${path}`, { version: generation });
  const list = useData<Page<TransactionView>>(`/api/v1/transactions/address/${path}?limit=25&page=${page}`, {
    version: generation,
  });
  const reload = (): void => {
    address.reload();
    list.reload();
  };
  return (
    <>
      <Heading title="Address">Address{address.data?.label ? `: ${address.data.label}` : ""}</Heading>
      <p className="whole">
        {id} <Copy text={id} what="address" />
      </p>
      <Failure error={address.error} />
      {address.data && (
        <div className="columns">
          <Facts
            facts={[
              ["Balance", <Amount key="balance" value={address.data.balance} />],
              ["Waiting", <Amount key="waiting" value={address.data.unconfirmed_balance} sign />],
              ["Unspent outputs", count(address.data.utxo_count)],
              ["Transactions", count(address.data.transaction_count)],
              ["Wallet", address.data.mine ? "this node's" : "not this node's"],
            ]}
          />
          <Qr text={id} label={`QR code of ${id}`} />
        </div>
      )}
      <h2>
        Transactions{" "}
        <button type="button" className="quiet" onClick={reload}>
          Look again
        </button>
      </h2>
      {list.data ? <TransactionTable items={list.data.items} empty="None yet." /> : !address.error && <Loading />}
      {list.data && <Pager {...list.data} to={(to) => `/address/${id}?page=${to}`} />}
    </>
  );
}
