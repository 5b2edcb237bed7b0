import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Kubelet, PodRef } from "../kubelet/types.ts";

/** A request for a pod subresource that asked to leave HTTP; it has been authenticated and authorized. */
export interface PodStream {
  readonly request: IncomingMessage;
  /** Owned by the stream from here on. */
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly pod: PodRef;
  readonly subresource: "exec" | "attach" | "portforward";
  readonly query: URLSearchParams;
  readonly kubelet: Pick<Kubelet, "exec" | "attach" | "dial">;
}

/** What every stream protocol is given. */
export interface StreamContext extends PodStream {
  /** Fires when the client is gone. */
  readonly signal: AbortSignal;
  /** To be called right before the socket leaves HTTP: from then on errors cannot be told in HTTP. */
  onUpgrade(): void;
}
