import { type FormEvent, useState } from "react";
import type { Page, WalletAddressView } from "../../../src/web/views.ts";
import { request } from "../api/client.ts";
import { useData } from "../api/use-data.ts";
import { Copy, Failure, Id, Table } from "../parts/parts.tsx";
import { Qr } from "../parts/qr.tsx";
import { useAction } from "./use-action.ts";
import { type WalletContext, walletPath } from "./wallet.tsx";

/** A new address with its QR code, and the labels of those given out before. */
export function Receive({ wallet, apiKey }: WalletContext) {
  const [fresh, setFresh] = useState<string>();
  const list = useData<Page<WalletAddressView>>(walletPath(wallet, "/addresses?limit=50"), { key: apiKey });
  const create = useAction(async (label: string) => {
    const { address } = await request<{ address: string }>(walletPath(wallet, "/addresses"), {
      method: "POST",
      key: apiKey,
      body: label === "" ? {} : { label },
    });
    setFresh(address);
    list.reload();
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    create.run(String(new FormData(event.currentTarget).get("label")).trim());
  };
  return (
    <>
      <form className="card" onSubmit={submit}>
        <label>
          What for (a label, may be empty)
          <input name="label" maxLength={100} autoComplete="off" />
        </label>
        <button type="submit" disabled={create.isBusy}>
          New address
        </button>
        <Failure error={create.error} />
        {fresh && (
          <div className="fresh">
            <Qr text={fresh} label={`QR code of ${fresh}`} />
            <p className="whole" role="status">
              <span data-testid="fresh-address">{fresh}</span> <Copy text={fresh} what="address" />
            </p>
          </div>
        )}
      </form>
      <h2>Addresses</h2>
      <Failure error={list.error} />
      <Table
        caption="Addresses of this wallet"
        items={list.data?.items ?? []}
        keyOf={({ address }) => address}
        empty="None yet."
        columns={[
          { name: "Address", cell: ({ address }) => <Id kind="address" id={address} /> },
          {
            name: "Label",
            cell: (each) => (
              <Label key={each.address} wallet={wallet} apiKey={apiKey} address={each} changed={list.reload} />
            ),
          },
          { name: "Used", cell: ({ used }) => (used ? "yes" : "not yet") },
        ]}
      />
    </>
  );
}

interface LabelProps extends WalletContext {
  readonly address: WalletAddressView;
  readonly changed: () => void;
}

function Label({ wallet, apiKey, address, changed }: LabelProps) {
  const [text, setText] = useState(address.label ?? "");
  const { run, isBusy, error } = useAction(async () => {
    await request(walletPath(wallet, `/addresses/${address.address}`), {
      method: "PUT",
      key: apiKey,
      body: { label: text },
    });
    changed();
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    run();
  };
  return (
    <form className="inline" onSubmit={submit}>
      <input
        value={text}
        maxLength={100}
        aria-label={`Label of ${address.address}`}
        onChange={(event) => setText(event.target.value)}
      />
      {text !== (address.label ?? "") && (
        <button type="submit" className="quiet" disabled={isBusy}>
          Save
        </button>
      )}
      <Failure error={error} />
    </form>
  );
}
