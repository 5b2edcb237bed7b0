import type { FeesView, Page, TransactionView } from "../../../src/web/views.ts";
import { useLive } from "../api/live.tsx";
import { useData } from "../api/use-data.ts";
import { count } from "../parts/format.ts";
import { Facts, Failure, Heading, Loading, Pager } from "../parts/parts.tsx";
import { pageOf, useLocation } from "../router.tsx";
import { TransactionTable } from "./lists.tsx";

const rate = (value: number): string => `${value.toFixed(1)} sat per vbyte`;

export function MempoolPage() {
  const page = pageOf(useLocation());
  const { chain } = useLive();
  // One list for each size: what changed is told by the events.
  const size = chain?.mempool_size;
  const { data, error } = useData<Page<TransactionView>>(
    size === undefined ? undefined : `/api/v1/transactions/mempool?limit=25&page=${page}`,
    { version: size },
  );
  const fees = useData<FeesView>("/api/v1/fees");
  return (
    <>
      <Heading title="Mempool">Waiting transactions</Heading>
      {chain && (
        <Facts
          facts={[
            ["Waiting", count(chain.mempool_size)],
            ...(fees.data
              ? ([
                  ["Soon", rate(fees.data.fast)],
                  ["Normal", rate(fees.data.normal)],
                  ["Cheap", rate(fees.data.slow)],
                ] as const)
              : []),
          ]}
        />
      )}
      <Failure error={error} />
      {data ? <TransactionTable items={data.items} empty="None: all are in blocks." /> : !error && <Loading />}
      {data && <Pager {...data} to={(to) => `/mempool?page=${to}`} />}
    </>
  );
}
