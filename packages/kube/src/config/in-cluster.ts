import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { KubeError } from "../errors.ts";
import { tokenFileCredentials } from "./credentials.ts";
import type { KubeConnection } from "./types.ts";

/** Where Kubernetes mounts a pod's identity (https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/). */
const serviceAccountDir = "/var/run/secrets/kubernetes.io/serviceaccount";

type Env = Readonly<Record<string, string | undefined>>;

export const isInCluster = (env: Env): boolean => Boolean(env.KUBERNETES_SERVICE_HOST && env.KUBERNETES_SERVICE_PORT);

/** The connection of a pod: address from the environment, token, CA and namespace from the mounted folder. */
export async function inCluster(env: Env = process.env, dir = serviceAccountDir): Promise<KubeConnection> {
  if (!isInCluster(env)) {
    throw new KubeError("config", "not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set");
  }
  const host = env.KUBERNETES_SERVICE_HOST ?? "";
  const [ca, namespace] = await Promise.all([
    readFile(join(dir, "ca.crt"), "utf8").catch((cause: unknown) => {
      throw new KubeError("config", `${join(dir, "ca.crt")} can't be read: is the service-account token mounted?`, {
        cause,
      });
    }),
    readFile(join(dir, "namespace"), "utf8").catch(() => ""),
  ]);
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${env.KUBERNETES_SERVICE_PORT}`,
    namespace: env.POD_NAMESPACE || env.NAMESPACE || namespace.trim() || "default",
    tls: { ca },
    credentials: tokenFileCredentials(join(dir, "token")),
  };
}
