/** Whose cluster a command talks to: the embedded one, or a context of the user's own kubeconfig. */
import { createClient, fromKubeconfig, type KubeClient, type KubeConnection } from "@coracle/kube";
import type { KubeConfig } from "@kubernetes/client-node";
import { runningDaemon } from "./daemon-record.ts";
import { CliError } from "./errors.ts";
import type { Home } from "./home.ts";

const userAgent = "coracle";

/** The embedded cluster. Rejects with CliError when it does not run. */
export async function connectEmbedded(home: Home): Promise<KubeClient> {
  if (!(await runningDaemon(home)))
    throw new CliError("No cluster runs here. Start one: coracle cluster start (or: coracle up kvstore).");
  return createClient(await fromKubeconfig([home.kubeconfig]), { userAgent });
}

/** The cluster that `--context` names, else the embedded one. */
export const connect = (home: Home, context: string | undefined): Promise<KubeClient> =>
  context === undefined ? connectEmbedded(home) : connectContext(context);

const connectContext = async (context: string): Promise<KubeClient> =>
  createClient(await connectionOf(await userConfig(context)), { userAgent });

/** The same choice for the official client, which has exec and port-forward. */
export async function officialConfig(home: Home, context: string | undefined): Promise<OfficialConfig> {
  if (context !== undefined) return userConfig(context);
  const { server, tls, credentials } = await fromKubeconfig([home.kubeconfig]);
  const { ca, cert, key, serverName: servername } = tls;
  return {
    getCurrentCluster: () => ({ name: "coracle", server, skipTLSVerify: false }),
    async applyToHTTPSOptions(options) {
      Object.assign(options, definedOnly({ ca, cert, key, servername }));
      const authorization = await credentials.authorization();
      if (authorization !== undefined) options.headers = { ...options.headers, Authorization: authorization };
    },
  };
}

/**
 * A context of the user's kubeconfig. The official client reads it, because such files may name login helpers of cloud
 * providers; it is loaded whole only here, for that takes half a second of CPU and as much memory as all the rest.
 */
async function userConfig(context: string): Promise<KubeConfig> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  config.loadFromDefault();
  const known = config.getContexts().map(({ name }) => name);
  if (!known.includes(context))
    throw new CliError(`Your kubeconfig has no context ${context}. It has: ${known.join(", ") || "none"}.`);
  config.setCurrentContext(context);
  return config;
}

/** All that exec and port-forward ask of a configuration. */
export type OfficialConfig = Pick<KubeConfig, "getCurrentCluster" | "applyToHTTPSOptions">;

async function connectionOf(config: KubeConfig): Promise<KubeConnection> {
  const cluster = config.getCurrentCluster();
  if (!cluster)
    throw new CliError(`Context ${config.getCurrentContext()} names a cluster that the kubeconfig does not have.`);
  const { ca, cert, key, rejectUnauthorized } = await requestOptions(config);
  const text = (value: unknown): string | undefined => (value === undefined ? undefined : String(value));
  return {
    server: cluster.server,
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? "default",
    tls: definedOnly({
      ca: text(ca),
      cert: text(cert),
      key: text(key),
      serverName: cluster.tlsServerName,
      insecureSkipVerify: rejectUnauthorized === false ? true : undefined,
    }),
    credentials: {
      authorization: async () => authorizationOf((await requestOptions(config)).headers),
      refresh: () => {},
    },
  };
}

async function requestOptions(config: OfficialConfig): Promise<import("node:https").RequestOptions> {
  const options: import("node:https").RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  return options;
}

function authorizationOf(headers: unknown): string | undefined {
  const { Authorization, authorization } = (headers ?? {}) as { Authorization?: string; authorization?: string };
  return Authorization ?? authorization;
}

const definedOnly = <T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
