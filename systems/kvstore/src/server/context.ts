/** What the sessions of one server share. */
import type { Logger } from "@coracle/pod";
import type { Backend } from "./backend.ts";
import type { ScanCursors } from "./cursors.ts";
import type { Flusher } from "./flusher.ts";
import type { Proposer } from "./proposer.ts";
import type { Session } from "./session.ts";

export interface ServerStats {
  connections: number;
  rejectedConnections: number;
  commands: number;
  bytesIn: number;
  bytesOut: number;
}

export interface ServerContext {
  readonly backend: Backend;
  readonly proposer: Proposer;
  readonly flusher: Flusher;
  readonly cursors: ScanCursors;
  readonly stats: ServerStats;
  readonly sessions: ReadonlySet<Session>;
  readonly logger: Pick<Logger, "info" | "warn" | "error">;
  readonly startedAt: number;
  readonly runId: string;
  readonly port: number;
  readonly maxClients: number;
  /** Clients must give it (AUTH) when set. */
  readonly password: string | undefined;
}
