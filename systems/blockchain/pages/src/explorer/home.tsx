import type { BlockView, Page } from "../../../src/web/views.ts";
import { useLive } from "../api/live.tsx";
import { useData } from "../api/use-data.ts";
import { count, scaled, time } from "../parts/format.ts";
import { Facts, Failure, Heading, Loading } from "../parts/parts.tsx";
import { Link } from "../router.tsx";
import { BlockTable } from "./lists.tsx";

const shown = 10;

export function HomePage() {
  const live = useLive();
  const { data, error } = useData<Page<BlockView>>(`/api/v1/blockchain/blocks?limit=${shown}`, {
    version: live.generation,
  });
  const { chain } = live;
  return (
    <>
      <Heading title="Explorer">Explorer</Heading>
      {chain && (
        <Facts
          facts={[
            ["Height", count(chain.height)],
            ["Transactions", count(chain.total_transactions)],
            [
              "Waiting",
              <Link key="mempool" href="/mempool">
                {count(chain.mempool_size)}
              </Link>,
            ],
            ["Difficulty", scaled(chain.difficulty)],
            ["Last block", time(chain.last_block_timestamp)],
          ]}
        />
      )}
      <h2>Newest blocks</h2>
      <Failure error={error} />
      {data ? <BlockTable blocks={merged(live.blocks, data.items).slice(0, shown)} /> : !error && <Loading />}
      <p>
        <Link href="/blocks?page=2">All blocks</Link>
      </p>
    </>
  );
}

/** Those that came since, then those that were there. */
export function merged(fresh: readonly BlockView[], known: readonly BlockView[]): readonly BlockView[] {
  const lowest = fresh.at(-1)?.height ?? Number.POSITIVE_INFINITY;
  return [...fresh, ...known.filter(({ height }) => height < lowest)];
}
