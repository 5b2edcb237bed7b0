import { type FormEvent, useState } from "react";
import type { FeesView } from "../../../src/web/views.ts";
import { request } from "../api/client.ts";
import { useData } from "../api/use-data.ts";
import { coins, satoshisOf } from "../parts/format.ts";
import { Failure, Id } from "../parts/parts.tsx";
import { useAction } from "./use-action.ts";
import { type WalletContext, walletPath } from "./wallet.tsx";

interface SendProps extends WalletContext {
  readonly balance: number;
  readonly sent: () => void;
}

interface Payment {
  readonly to: string;
  readonly amount: number;
  readonly comment: string;
  readonly feeRate: number | undefined;
}

const choices = [
  ["fast", "Soon"],
  ["normal", "Normal"],
  ["slow", "Cheap"],
] as const;

/** Filled in, looked at once more, sent: coins don't come back. */
export function Send({ wallet, apiKey, balance, sent }: SendProps) {
  const fees = useData<FeesView>("/api/v1/fees");
  const [payment, setPayment] = useState<Payment>();
  const [txid, setTxid] = useState<string>();
  const send = useAction(async ({ to, amount, comment, feeRate }: Payment) => {
    const done = await request<{ txid: string }>(walletPath(wallet, "/payments"), {
      method: "POST",
      key: apiKey,
      body: {
        to_address: to,
        amount,
        ...(comment && { comment }),
        ...(feeRate !== undefined && { fee_rate: feeRate }),
      },
    });
    setTxid(done.txid);
    setPayment(undefined);
    sent();
  });
  const [wrong, setWrong] = useState<unknown>();
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string): string => String(form.get(name) ?? "").trim();
    const amount = satoshisOf(text("amount"));
    setTxid(undefined);
    setWrong(
      amount === undefined ? "The amount is no number of coins, with at most 8 digits after the point." : undefined,
    );
    if (amount === undefined) return;
    const choice = text("fee") as keyof FeesView | "own";
    const feeRate = choice === "own" ? Number(text("rate").replace(",", ".")) || undefined : fees.data?.[choice];
    setPayment({ to: text("to"), amount, comment: text("comment"), feeRate });
  };
  return (
    <>
      <form className="card" onSubmit={submit} hidden={payment !== undefined}>
        <label>
          To address
          <input name="to" required minLength={14} maxLength={90} autoComplete="off" spellCheck={false} />
        </label>
        <label>
          Amount (you have {coins(balance)})
          <input name="amount" required inputMode="decimal" autoComplete="off" />
        </label>
        <fieldset>
          <legend>Fee, satoshis per vbyte</legend>
          {choices.map(([name, title]) => (
            <label key={name} className="check">
              <input type="radio" name="fee" value={name} defaultChecked={name === "normal"} /> {title}{" "}
              <span className="muted">{fees.data ? fees.data[name].toFixed(1) : ""}</span>
            </label>
          ))}
          <label className="check">
            <input type="radio" name="fee" value="own" /> Own
            <input name="rate" inputMode="decimal" aria-label="Own fee rate" className="narrow" />
          </label>
        </fieldset>
        <label>
          Note (for yourself)
          <input name="comment" maxLength={100} autoComplete="off" />
        </label>
        <Failure error={wrong} />
        <button type="submit">Continue</button>
      </form>
      {payment && (
        <section className="card" aria-labelledby="confirm">
          <h2 id="confirm">Send {coins(payment.amount)}?</h2>
          <p className="whole">to {payment.to}</p>
          <p className="muted">
            {payment.feeRate === undefined ? "at the usual fee" : `at ${payment.feeRate.toFixed(1)} sat per vbyte`}
          </p>
          <Failure error={send.error} />
          <div className="actions">
            <button type="button" disabled={send.isBusy} onClick={() => send.run(payment)}>
              {send.isBusy ? "Sending…" : "Send now"}
            </button>
            <button type="button" className="quiet" onClick={() => setPayment(undefined)}>
              Back
            </button>
          </div>
        </section>
      )}
      {txid && (
        <p role="status" className="badge good">
          Sent: <Id kind="tx" id={txid} />
        </p>
      )}
    </>
  );
}
