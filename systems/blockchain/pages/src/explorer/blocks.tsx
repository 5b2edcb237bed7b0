import type { BlockView, Page } from "../../../src/web/views.ts";
import { useLive } from "../api/live.tsx";
import { useData } from "../api/use-data.ts";
import { Failure, Heading, Loading, Pager } from "../parts/parts.tsx";
import { pageOf, useLocation } from "../router.tsx";
import { BlockTable } from "./lists.tsx";

export function BlocksPage() {
  const page = pageOf(useLocation());
  const { generation } = useLive();
  const { data, error } = useData<Page<BlockView>>(`/api/v1/blockchain/blocks?limit=25&page=${page}`, {
    version: generation,
  });
  return (
    <>
      <Heading title="Blocks">Blocks</Heading>
      <Failure error={error} />
      {data ? <BlockTable blocks={data.items} /> : !error && <Loading />}
      {data && <Pager {...data} to={(to) => `/blocks?page=${to}`} />}
    </>
  );
}
