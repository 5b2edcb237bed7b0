/**
 * A light Kubernetes REST client for code that runs inside a pod: no dependency is loaded for it, so it costs a pod next to nothing.
 *
 * ```ts
 * const kube = await connectKube();
 * const pod = await kube.get(resources.pods, "kvstore-0");
 * console.log(pod.status?.podIP);
 * await kube.patch(resources.pods, "kvstore-0", { metadata: { labels: { role: "master" } } });
 * for await (const event of kube.watch(resources.pods, { labelSelector: "app=kvstore" })) {
 *   console.log(event.type);
 * }
 * ```
 *
 * Every call takes an AbortSignal, has a deadline and rejects with `KubeError`. Nothing but throttled calls (429) and reads over a stale
 * connection is retried: when to retry a write is for its caller to know.
 */

export { Backoff, type BackoffOptions } from "./backoff.ts";
export { type ClientOptions, type ConnectOptions, connectKube, createClient } from "./client.ts";
export { inCluster, isInCluster } from "./config/in-cluster.ts";
export { fromKubeconfig } from "./config/kubeconfig.ts";
export { type LoadOptions, loadConnection } from "./config/load.ts";
export type { Credentials, KubeConnection, TlsSettings } from "./config/types.ts";
export { isKubeError, KubeError, type KubeErrorCode } from "./errors.ts";
export { isPodReady } from "./pods.ts";
export { resource, resources } from "./resources.ts";
export type {
  CallOptions,
  DeleteOptions,
  KubeClient,
  KubeList,
  KubeObject,
  KubeWatch,
  ListOptions,
  LogOptions,
  PatchOptions,
  PatchType,
  RawRequest,
  Resource,
  Selection,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "./types.ts";
