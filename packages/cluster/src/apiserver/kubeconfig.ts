import { stringify } from "yaml";

export interface KubeconfigOptions {
  readonly url: string;
  readonly caPem: string;
  readonly token: string;
  /** Names the cluster, the user and the context. */
  readonly name?: string;
  readonly namespace?: string;
}

/** The text of a kubeconfig with one cluster, one user and one context, which is current. */
export function kubeconfig({ url, caPem, token, name = "coracle", namespace }: KubeconfigOptions): string {
  const authority = Buffer.from(caPem).toString("base64");
  return stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name, cluster: { server: url, "certificate-authority-data": authority } }],
      users: [{ name, user: { token } }],
      contexts: [{ name, context: { cluster: name, user: name, ...(namespace && { namespace }) } }],
      "current-context": name,
      preferences: {},
    },
    { lineWidth: 0 },
  );
}
