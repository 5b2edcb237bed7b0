/** The node itself: how it stands, whom it knows, how fast the chain grows. */

import type { HealthView, MiningView, PeerView } from "../../../src/web/views.ts";
import { ApiError } from "../api/client.ts";
import { useLive } from "../api/live.tsx";
import { useSession } from "../api/session.tsx";
import { useData } from "../api/use-data.ts";
import { count, duration, scaled } from "../parts/format.ts";
import { type Column, Facts, Failure, Heading, Table } from "../parts/parts.tsx";
import { SignIn } from "../wallet/sign-in.tsx";
import { BackgroundMining } from "./background-mining.tsx";
import { Generate } from "./generate.tsx";
import { GrowthPlots } from "./growth-plots.tsx";

const columns: readonly Column<PeerView>[] = [
  { name: "Address", cell: ({ address }) => address },
  { name: "Direction", cell: ({ inbound }) => (inbound ? "in" : "out") },
  { name: "Program", cell: ({ agent }) => agent },
  { name: "Height", cell: ({ height }) => count(height), isNumber: true },
  { name: "Ping", cell: ({ ping_ms }) => (ping_ms === null ? "?" : `${ping_ms.toFixed(1)} ms`), isNumber: true },
  { name: "Connected", cell: ({ connected_seconds }) => duration(connected_seconds), isNumber: true },
  { name: "Sent", cell: ({ bytes_sent }) => scaled(bytes_sent, "B"), isNumber: true },
  { name: "Received", cell: ({ bytes_received }) => scaled(bytes_received, "B"), isNumber: true },
];

/** Every this many blocks what has no events is asked for again. */
const refreshBlocks = 6;

export function NodePage() {
  const { key } = useSession();
  const { chain } = useLive();
  const version = chain && Math.floor(chain.height / refreshBlocks);
  // Health is never limited, so that it can follow each block.
  const health = useHealth(chain?.height);
  const mining = useData<MiningView>("/api/v1/mining/info", { version });
  const peers = useData<readonly PeerView[]>(key === undefined ? undefined : "/api/admin/peers", { key, version });
  const isRefused = peers.error instanceof ApiError && (peers.error.status === 401 || peers.error.status === 403);
  return (
    <>
      <Heading title="Node">Node</Heading>
      {mining.data?.warnings && <Failure error={mining.data.warnings} />}
      <Facts
        facts={[
          [
            "Sync",
            chain
              ? chain.synced
                ? "has all blocks"
                : `${count(chain.height)} of ${count(chain.headers)} blocks`
              : "?",
          ],
          ["Peers", health ? count(health.connected_peers) : "?"],
          ["This node mines", mining.data ? (mining.data.mining ? scaled(mining.data.hashps, "H/s") : "no") : "?"],
          ["All together", mining.data ? scaled(mining.data.networkhashps, "H/s") : "?"],
          [
            "Rate limits",
            health
              ? health.rate_limits.degraded === null
                ? health.rate_limits.mode
                : `local: ${health.rate_limits.degraded}`
              : "?",
          ],
          ["Version", health?.version ?? "?"],
          ["Up for", health ? duration(health.uptime_seconds) : "?"],
          ["Memory", health ? `${count(health.memory_usage_mb)} MB` : "?"],
        ]}
      />
      <GrowthPlots />
      <h2>Peers</h2>
      {key === undefined || isRefused ? (
        <SignIn refused={isRefused ? peers.error : undefined}>
          Peers and mining need the admin's API key of this node, <code>BITCOIN_API_ADMIN_KEY</code>.
        </SignIn>
      ) : (
        <>
          <Failure error={peers.error} />
          <Table
            caption="Peers"
            columns={columns}
            items={peers.data ?? []}
            keyOf={({ address, inbound }) => `${address} ${inbound}`}
            empty="None."
          />
          <BackgroundMining apiKey={key} mining={mining.data} />
          <Generate apiKey={key} />
        </>
      )}
    </>
  );
}

const useHealth = (height: number | undefined): HealthView | undefined =>
  useData<HealthView>("/api/health", { version: height }).data;
