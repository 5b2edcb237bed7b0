import { useState } from "react";
import type { MiningView } from "../../../src/web/views.ts";
import { request } from "../api/client.ts";
import { Failure } from "../parts/parts.tsx";
import { useAction } from "../wallet/use-action.ts";

interface Props {
  readonly apiKey: string;
  readonly mining: MiningView | undefined;
}

/** Starts and stops this node's own mining; until a restart, which goes by the settings again. */
export function BackgroundMining({ apiKey, mining }: Props) {
  const [changed, setChanged] = useState<MiningView>();
  const isOn = (changed ?? mining)?.background;
  const { run, isBusy, error } = useAction(async () => {
    const path = `/api/admin/mining/${isOn ? "stop" : "start"}`;
    setChanged(await request<MiningView>(path, { method: "POST", key: apiKey }));
  });
  return (
    <section className="card" aria-labelledby="background">
      <h2 id="background">Background mining</h2>
      <p role="status">
        {isOn === undefined ? "?" : isOn ? "This node mines whenever it can." : "This node does not mine."}
      </p>
      <Failure error={error} />
      <button type="button" disabled={isBusy || isOn === undefined} onClick={() => run()}>
        {isOn ? "Stop mining" : "Start mining"}
      </button>
    </section>
  );
}
