import { randomUUID } from "node:crypto";
import { hostname } from "node:os";

export interface PodIdentity {
  /** `POD_NAME`; outside Kubernetes the host name. */
  readonly name: string;
  /** `POD_NAMESPACE`, else `NAMESPACE`, else "default". */
  readonly namespace: string;
  /** `POD_IP` where it is set. */
  readonly ip: string | undefined;
  /** The number at the end of a StatefulSet pod's name. */
  readonly ordinal: number | undefined;
  /** The name without the ordinal. */
  readonly set: string | undefined;
  /** New for every call, so once per process: two processes that bear the same pod name are told apart by it. Begins with `POD_UID/` where that is set. */
  readonly incarnation: string;
  /** Whether there is a Kubernetes to talk to from inside. */
  readonly inKubernetes: boolean;
}

/** Who this pod is, from the environment that its manifest injects. */
export function podIdentity(env: Readonly<Record<string, string | undefined>> = process.env): PodIdentity {
  const name = env.POD_NAME || env.HOSTNAME || hostname();
  const numbered = /^(.+)-(\d{1,9})$/.exec(name);
  return {
    name,
    namespace: env.POD_NAMESPACE || env.NAMESPACE || "default",
    ip: env.POD_IP || undefined,
    ordinal: numbered ? Number(numbered[2]) : undefined,
    set: numbered?.[1],
    incarnation: env.POD_UID ? `${env.POD_UID}/${randomUUID()}` : randomUUID(),
    inKubernetes: Boolean(env.KUBERNETES_SERVICE_HOST),
  };
}
