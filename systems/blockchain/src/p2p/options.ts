/** What the peer network is made of and how far it goes. */
import type { Logger } from "@coracle/pod";
import type { Chain } from "../chain/types.ts";
import type { Mempool } from "../mempool/types.ts";
import type { Ban } from "./bans.ts";
import { type NetClock, systemNetClock } from "./clock.ts";
import type { Wiring } from "./net/transport.ts";
import { DOWNLOAD_TIMING, type DownloadTiming } from "./sync/downloads.ts";
import { HEADER_SYNC_TIMING, type HeaderSyncTiming } from "./sync/header-sync.ts";

export interface NetworkOptions {
  readonly chain: Chain;
  readonly mempool: Mempool;
  readonly wiring: Wiring;
  readonly logger: Logger;
  readonly host: string;
  /** 0 chooses a free one. */
  readonly port: number;
  /** Address for others to dial, where it is known; gossiped to peers. */
  readonly externalHost?: string | undefined;
  /** Undefined: does not listen. */
  readonly listens?: boolean;
  readonly maxInbound?: number;
  /** As many new headers in a row that do not reach our tip's work end a connection. As many as the chain keeps beside its branch. */
  readonly maxWeakHeaders?: number;
  readonly maxOutbound?: number;
  /** A peer that lets more than this pile up doesn't read any more, and is let go. */
  readonly maxQueueBytes?: number;
  readonly banMs?: number;
  readonly bans?: readonly Ban[];
  readonly onBansChanged?: (bans: readonly Ban[]) => void;
  readonly userAgent?: string;
  readonly clock?: NetClock;
  readonly timing?: Partial<NetworkTiming>;
}

export interface NetworkTiming {
  readonly tickMs: number;
  readonly handshakeMs: number;
  readonly pingEveryMs: number;
  readonly pingAnswerMs: number;
  readonly headers: HeaderSyncTiming;
  readonly downloads: DownloadTiming;
}

export const NETWORK_TIMING: NetworkTiming = {
  tickMs: 100,
  handshakeMs: 30_000,
  pingEveryMs: 15_000,
  pingAnswerMs: 60_000,
  headers: HEADER_SYNC_TIMING,
  downloads: DOWNLOAD_TIMING,
};

export const NETWORK_DEFAULTS = {
  listens: true,
  maxInbound: 117,
  maxWeakHeaders: 200_000,
  maxQueueBytes: 16_000_000,
  maxOutbound: 10,
  banMs: 24 * 3_600_000,
  userAgent: "/Coracle:0.1.0/",
  clock: systemNetClock,
};

/** 70016 has `wtxidrelay` and `sendaddrv2`. */
export const PROTOCOL_VERSION = 70016;
/** The first version with `sendheaders`; older ones can't be synchronised with by headers as this node does it. */
export const OLDEST_VERSION = 70012;
