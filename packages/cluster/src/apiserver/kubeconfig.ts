export interface KubeconfigOptions {
  readonly url: string;
  readonly caPem: string;
  readonly token: string;
  /** Names the cluster, the user and the context; `coracle` unless told. */
  readonly name?: string;
  /** The context's namespace. */
  readonly namespace?: string;
}

/** The text of a kubeconfig with one cluster, one user and one context, which is current. */
export function kubeconfig({ url, caPem, token, name = "coracle", namespace }: KubeconfigOptions): string {
  // Strings in JSON are strings in YAML, whatever they contain.
  const [server, authority, secret, named] = [url, Buffer.from(caPem).toString("base64"), token, name].map((text) =>
    JSON.stringify(text),
  );
  const scope = namespace === undefined ? "" : `\n    namespace: ${JSON.stringify(namespace)}`;
  return `apiVersion: v1
kind: Config
clusters:
- name: ${named}
  cluster:
    server: ${server}
    certificate-authority-data: ${authority}
users:
- name: ${named}
  user:
    token: ${secret}
contexts:
- name: ${named}
  context:
    cluster: ${named}
    user: ${named}${scope}
current-context: ${named}
preferences: {}
`;
}
