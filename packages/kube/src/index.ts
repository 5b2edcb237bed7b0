/** A light Kubernetes REST client for code that runs inside a pod. */
export type * from "./types.ts";
