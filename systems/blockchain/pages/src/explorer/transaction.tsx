import { useEffect, useState } from "react";
import type { TransactionView } from "../../../src/web/views.ts";
import { useLive } from "../api/live.tsx";
import { useData } from "../api/use-data.ts";
import { count, time } from "../parts/format.ts";
import { Amount, Copy, Facts, Failure, Heading, Id, Loading } from "../parts/parts.tsx";
import { Link } from "../router.tsx";

/** While it waits it is asked for again with each block; once confirmed its depth follows from the height. */
function useTransaction(id: string) {
  const { chain } = useLive();
  const [isSettled, setSettled] = useState(false);
  const loaded = useData<TransactionView>(`/api/v1/transactions/${encodeURIComponent(id)}`, {
    version: isSettled ? "settled" : chain?.last_block_hash,
  });
  const isConfirmed = (loaded.data?.block_height ?? null) !== null;
  useEffect(() => setSettled(isConfirmed), [isConfirmed]);
  return { ...loaded, tip: chain?.height };
}

export function TransactionPage({ id }: { readonly id: string }) {
  const { data, error, tip } = useTransaction(id);
  if (!data)
    return error ? (
      <>
        <Heading title="Transaction">Transaction</Heading>
        <Failure error={error} />
      </>
    ) : (
      <Loading />
    );
  const { txid, block_hash, block_height, timestamp, coinbase, fee, virtual_size, inputs, outputs, confirmations } =
    data;
  const depth = block_height === null ? 0 : Math.max(confirmations, (tip ?? 0) - block_height + 1);
  return (
    <>
      <Heading title="Transaction">Transaction</Heading>
      <p className="whole">
        {txid} <Copy text={txid} what="transaction id" />
      </p>
      <p role="status" className={`badge ${depth > 0 ? "good" : "waiting"}`}>
        {depth > 0 ? `Confirmed (${count(depth)})` : "Waiting for a block"}
      </p>
      <Facts
        facts={[
          [
            "Block",
            block_hash === null ? (
              "none yet"
            ) : (
              <Link key="block" href={`/block/${block_hash}`}>
                {block_height}
              </Link>
            ),
          ],
          ["Time", time(timestamp)],
          [
            "Fee",
            coinbase
              ? "new coins"
              : fee === null
                ? "unknown"
                : `${count(fee)} sat, ${(fee / virtual_size).toFixed(1)} per vbyte`,
          ],
          ["Size", `${count(virtual_size)} vbytes`],
        ]}
      />
      <div className="columns">
        <section>
          <h2>From</h2>
          <ul className="ends">
            {inputs.map(({ txid: source, vout, address, value }) => (
              <li key={`${source}:${vout}`}>
                {source === null ? (
                  "New coins"
                ) : address ? (
                  <Id kind="address" id={address} />
                ) : (
                  <Id kind="tx" id={source} />
                )}
                {value !== null && <Amount value={value} />}
              </li>
            ))}
          </ul>
        </section>
        <section>
          <h2>To</h2>
          <ul className="ends">
            {outputs.map(({ n, address, value, script }) => (
              <li key={n}>
                {address ? <Id kind="address" id={address} /> : <code title={script}>{script.slice(0, 24)}</code>}
                <Amount value={value} />
              </li>
            ))}
          </ul>
        </section>
      </div>
    </>
  );
}
