import type { BlockView, Page } from "../../../src/web/views.ts";
import { useLive } from "../api/live.tsx";
import { useData } from "../api/use-data.ts";
import { merged } from "../explorer/home.tsx";
import { duration, scaled } from "../parts/format.ts";
import { Failure } from "../parts/parts.tsx";
import { Plot } from "../parts/plot.tsx";
import { hashRates, intervals } from "./growth.ts";

const shown = 100;
/** The network's aim. */
const goalSeconds: Readonly<Record<string, number>> = { devnet: 10 };

export function GrowthPlots() {
  const live = useLive();
  const { data, error } = useData<Page<BlockView>>(`/api/v1/blockchain/blocks?limit=${shown}`, {
    version: live.generation,
  });
  if (!data) return <Failure error={error} />;
  const blocks = merged(live.blocks, data.items).slice(0, shown);
  return (
    <div className="columns">
      <Plot title="Hash rate" kind="line" points={hashRates(blocks)} format={(value) => scaled(value, "H/s")} />
      <Plot
        title="Time between blocks"
        kind="bars"
        points={intervals(blocks)}
        format={duration}
        goal={goalSeconds[live.chain?.chain ?? ""]}
      />
    </div>
  );
}
