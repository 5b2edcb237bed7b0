import { isKubeError, type KubeClient, resources } from "@coracle/kube";
import type { Lease } from "kubernetes-types/coordination/v1.js";
import { ElectionError } from "../errors.ts";
import type { LeaseAccess } from "./options.ts";

export interface KubeLeaseOptions {
  /** Default: `LEASE_NAME`. */
  readonly name?: string | undefined;
  /** Default: the client's. */
  readonly namespace?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * A Lease at the API server. RBAC: `get`, `create`, `update` on leases; `list` and `watch` too for hand-over without delay. Throws
 * ElectionError `config` without a name.
 */
export function kubeLease(kube: KubeClient, options: KubeLeaseOptions = {}): LeaseAccess {
  const { env = process.env, namespace = kube.namespace } = options;
  const name = options.name || env.LEASE_NAME;
  if (!name) throw new ElectionError("config", "LEASE_NAME is not set: name the Lease to contend for");
  return {
    name,
    read: (signal) => kube.get(resources.leases, name, { namespace, signal }).catch(answerOn("not-found", undefined)),
    create: (lease, signal) =>
      kube
        .create(resources.leases, lease, { namespace, signal })
        .catch(answerOn("already-exists", "conflict" as const)),
    replace: (lease, signal) =>
      kube
        .replace(resources.leases, lease, { namespace, signal })
        .catch(answerOn("conflict", "conflict" as const))
        .catch(answerOn("not-found", "conflict" as const)),
    watch: (signal) => changes(kube, namespace, name, signal),
  };
}

const answerOn =
  <T>(code: "not-found" | "already-exists" | "conflict", answer: T) =>
  (error: unknown): T => {
    if (isKubeError(error, code)) return answer;
    throw error;
  };

async function* changes(
  kube: KubeClient,
  namespace: string,
  name: string,
  signal: AbortSignal,
): AsyncGenerator<Lease | undefined> {
  const fieldSelector = `metadata.name=${name}`;
  for await (const event of kube.watch(resources.leases, { namespace, fieldSelector, signal })) {
    if (event.type === "replaced") yield event.objects[0];
    else yield event.type === "deleted" ? undefined : event.object;
  }
}
