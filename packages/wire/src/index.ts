/**
 * Framed messages, requests and streams between the peers of a cluster, over TCP or mutual TLS.
 *
 * ```ts
 * const endpoint = createEndpoint({ protocol: "chat/1", cluster: "blue", id: "pod-0", host: "0.0.0.0", port: 7000, handlers: { message: (from, bytes) => show(from, bytes) } });
 * await endpoint.start();
 * endpoint.setPeers([{ id: "pod-1", host: "pod-1.chat", port: 7000 }]);
 * endpoint.send("pod-1", Buffer.from("hello"));
 * ```
 */

export { createEndpoint, type RequestOptions, type WireEndpoint } from "./endpoint.ts";
export { WireError, type WireErrorCode } from "./errors.ts";
export type { WireHandlers, WireLimits, WireOptions, WirePeer, WireTls } from "./options.ts";
export { sendAtEndOfTurn, workAtEndOfTurn } from "./turn.ts";
