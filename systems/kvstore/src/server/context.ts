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

export interface ClientConnection {
  /** Received, of a request that is not complete. */
  readonly pendingBytes: number;
  /** Answered, and not taken by the client yet. */
  readonly unsentBytes: number;
  /** Cuts the client off. */
  destroy(): void;
}

export interface ServerContext {
  readonly backend: Backend;
  readonly proposer: Proposer;
  readonly flusher: Flusher;
  readonly cursors: ScanCursors;
  readonly stats: ServerStats;
  readonly sessions: ReadonlySet<Session>;
  /** The session's socket; undefined once it is closed. */
  connectionOf(session: Session): ClientConnection | undefined;
  readonly logger: Pick<Logger, "info" | "warn" | "error">;
  readonly startedAt: number;
  readonly runId: string;
  readonly port: number;
  readonly maxClients: number;
  /** Clients must give it (AUTH) when set. */
  readonly password: string | undefined;
}
