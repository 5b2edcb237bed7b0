/** Whether this member serves, and whether a restart would help it. */
import { statfs } from "node:fs/promises";
import type { HealthCheck } from "@coracle/pod";
import type { Replica } from "./replica.ts";

/** Ready: the primary, or a replica that knows its primary and is no staler than `readyLagMs`. */
export const readiness =
  ({ log, store }: Pick<Replica, "log" | "store">, readyLagMs: number): HealthCheck =>
  () => {
    if (store.isRestoring) return "copying the data from the primary";
    const { role, primary, staleMs } = log.status();
    if (role === "primary") return undefined;
    if (primary === undefined) return "no primary is known";
    return staleMs <= readyLagMs ? undefined : `behind ${primary}: ${staleText(staleMs)}`;
  };

const staleText = (staleMs: number): string =>
  Number.isFinite(staleMs) ? `last in step ${Math.round(staleMs)} ms ago` : "not in step yet";

/** Live: the event loop turns (this answers) and the data folder is still there. */
export const liveness =
  (dataDir: string): HealthCheck =>
  async () => {
    await statfs(dataDir);
    return undefined;
  };
