import type { BlockView, Page, TransactionView } from "../../../src/web/views.ts";
import { useLive } from "../api/live.tsx";
import { useData } from "../api/use-data.ts";
import { count, scaled, time } from "../parts/format.ts";
import { Copy, Facts, Failure, Heading, Id, Loading, Pager } from "../parts/parts.tsx";
import { Link, pageOf, useLocation } from "../router.tsx";
import { TransactionTable } from "./lists.tsx";

export function BlockPage({ id }: { readonly id: string }) {
  const page = pageOf(useLocation());
  const { chain, generation } = useLive();
  const block = useData<BlockView>(`/api/v1/blockchain/blocks/${encodeURIComponent(id)}`, { version: generation });
  const list = useData<Page<TransactionView>>(
    `/api/v1/blockchain/blocks/${encodeURIComponent(id)}/transactions?limit=25&page=${page}`,
  );
  if (!block.data) return block.error ? <Missing error={block.error} /> : <Loading />;
  const { hash, previous_hash, height, timestamp, nonce, difficulty, merkle_root, size_bytes, confirmations } =
    block.data;
  const isGenesis = height === 0;
  return (
    <>
      <Heading title={`Block ${height}`}>Block {height}</Heading>
      <p className="whole">
        {hash} <Copy text={hash} what="block hash" />
      </p>
      <Facts
        facts={[
          ["Time", time(timestamp)],
          [
            "Confirmations",
            confirmations === 0 ? "left the chain" : count(Math.max(confirmations, (chain?.height ?? 0) - height + 1)),
          ],
          ["Transactions", count(block.data.transaction_count)],
          ["Bytes", count(size_bytes)],
          ["Difficulty", scaled(difficulty)],
          ["Nonce", nonce],
          [
            "Merkle root",
            <span key="root" className="whole">
              {merkle_root}
            </span>,
          ],
          ["Before", isGenesis ? "nothing: the first" : <Id key="previous" kind="block" id={previous_hash} />],
          [
            "After",
            chain && height < chain.height ? (
              <Link key="next" href={`/block/${height + 1}`}>
                {height + 1}
              </Link>
            ) : (
              "none yet"
            ),
          ],
        ]}
      />
      <h2>Transactions</h2>
      <Failure error={list.error} />
      {list.data && <TransactionTable items={list.data.items} empty="None." />}
      {list.data && <Pager {...list.data} to={(to) => `/block/${id}?page=${to}`} />}
    </>
  );
}

const Missing = ({ error }: { readonly error: unknown }) => (
  <>
    <Heading title="Block">Block</Heading>
    <Failure error={error} />
  </>
);
