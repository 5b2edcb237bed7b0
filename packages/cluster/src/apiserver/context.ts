import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Kubelet, PodRef } from "../kubelet/types.ts";
import type { ApiStore } from "../machinery/store.ts";
import type { Clock } from "../machinery/types.ts";
import type { AddressPlan } from "../network/types.ts";
import type { Rbac } from "./auth/rbac.ts";
import type { Tokens } from "./auth/tokens.ts";
import type { UserInfo } from "./auth/user.ts";
import type { RequestInfo } from "./http/request-info.ts";
import type { RequestCounters } from "./metrics.ts";

/** What the handlers of requests work with; one per server. */
export interface ApiContext {
  readonly store: ApiStore;
  readonly kubelet: Kubelet;
  readonly tokens: Tokens;
  readonly rbac: Rbac;
  readonly clock: Clock;
  readonly plan: AddressPlan;
  readonly counters: RequestCounters;
  /** Ends every stream that is open when the server stops. */
  readonly stopping: AbortSignal;
  readonly podStreams: PodStreamHandler | undefined;
  readonly faults: RequestFaults | undefined;
  /** Told of errors that are the server's own fault. */
  readonly report: (error: unknown) => void;
}

/** One authenticated and authorized request. */
export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly info: RequestInfo;
  readonly user: UserInfo;
}

/** Comes between an authorized request and its answer. */
export interface RequestFaults {
  /** Undefined to leave the request alone; otherwise resolves with whether it goes on, or rejects with the StatusError to answer. */
  meet(call: Call): Promise<boolean> | undefined;
}

/** A request that asked to leave HTTP for a stream into a pod; the handler owns the socket. */
export interface PodStreamContext {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly pod: PodRef;
  readonly subresource: "exec" | "attach" | "portforward";
  readonly query: URLSearchParams;
  readonly kubelet: Kubelet;
}

export type PodStreamHandler = (context: PodStreamContext) => void;
