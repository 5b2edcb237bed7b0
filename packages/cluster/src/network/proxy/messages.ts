/** What the cluster's thread and the proxy's worker thread say to each other. */

import type { IngressTable, SiteReport } from "../ingress/types.ts";

export interface Address {
  readonly address: string;
  readonly port: number;
}

export interface ListenAddress extends Address {
  /** Shared with the host, such as 127.0.0.1:5555: somebody else may hold it, and the Service works without it. */
  readonly optional: boolean;
}

/** One port of one Service: where to listen and where connections go. */
export interface ProxyRow {
  /** `namespace/name/port/protocol`. */
  readonly id: string;
  readonly protocol: "TCP" | "UDP";
  readonly listen: readonly ListenAddress[];
  /** Those that take new connections. */
  readonly endpoints: readonly Address[];
  /** Those that keep the connections they have: unready or terminating, but still of this Service. */
  readonly draining: readonly Address[];
  /** sessionAffinity: ClientIP; how long a client sticks to its endpoint after its last connection. */
  readonly affinitySeconds?: number;
}

export type ToWorker =
  | {
      readonly type: "change";
      readonly sequence: number;
      readonly rows: readonly ProxyRow[];
      readonly removed: readonly string[];
    }
  | { readonly type: "ingress"; readonly sequence: number; readonly table: IngressTable }
  | { readonly type: "stop" };

export type FromWorker =
  /** Every listener of that change has been opened or refused. */
  | { readonly type: "applied"; readonly sequence: number }
  | { readonly type: "site"; readonly report: SiteReport }
  | { readonly type: "refused"; readonly id: string; readonly at: ListenAddress; readonly code: string };

export const addressKey = ({ address, port }: Address): string => `${address}:${port}`;
