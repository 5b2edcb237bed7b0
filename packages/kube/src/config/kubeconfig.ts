import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { KubeError } from "../errors.ts";
import { fixedCredentials, tokenFileCredentials } from "./credentials.ts";
import type { Credentials, KubeConnection, TlsSettings } from "./types.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A named entry of a kubeconfig, with the folder that its relative paths start from. */
interface Entry {
  readonly fields: Fields;
  readonly dir: string;
}

interface Merged {
  currentContext: string | undefined;
  readonly clusters: Map<string, Entry>;
  readonly users: Map<string, Entry>;
  readonly contexts: Map<string, Entry>;
}

/**
 * The connection that kubeconfig files describe. As kubectl does it, several files are merged and the first mention of a name wins;
 * files that don't exist are skipped as long as one does.
 */
export async function fromKubeconfig(paths: readonly string[], contextName?: string): Promise<KubeConnection> {
  const merged = await mergeFiles(paths);
  const name = contextName ?? merged.currentContext;
  if (!name) throw new KubeError("config", `${paths.join(", ")}: no current-context; name a context`);
  const context = pick(merged.contexts, "context", name);
  const cluster = pick(merged.clusters, "cluster", text(context.fields, "cluster") ?? "");
  const userName = text(context.fields, "user");
  const user = userName ? pick(merged.users, "user", userName) : { fields: {}, dir: cluster.dir };
  return connection(name, cluster, user, text(context.fields, "namespace") ?? "default");
}

async function connection(context: string, cluster: Entry, user: Entry, namespace: string): Promise<KubeConnection> {
  const server = text(cluster.fields, "server");
  if (!server) throw new KubeError("config", `context ${context}: its cluster names no server`);
  refuseUnsupported(context, cluster.fields, user.fields);
  return { server, namespace, tls: await tlsSettings(cluster, user), credentials: credentialsOf(user) };
}

/** Programs that mint credentials cost more than a light client should, and proxies would need another transport. */
function refuseUnsupported(context: string, cluster: Fields, user: Fields): void {
  const found = [
    user.exec && "an exec credential plugin",
    user["auth-provider"] && "an auth-provider",
    cluster["proxy-url"] && "a proxy-url",
  ].filter(Boolean);
  if (found.length === 0) return;
  throw new KubeError(
    "config",
    `context ${context} uses ${found.join(" and ")}, which this client doesn't support; use a context with a token or a client certificate, or \`kubectl proxy\``,
  );
}

async function tlsSettings(cluster: Entry, user: Entry): Promise<TlsSettings> {
  const [ca, cert, key] = await Promise.all([
    pem(cluster, "certificate-authority"),
    pem(user, "client-certificate"),
    pem(user, "client-key"),
  ]);
  const serverName = text(cluster.fields, "tls-server-name");
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(serverName !== undefined && { serverName }),
    insecureSkipVerify: cluster.fields["insecure-skip-tls-verify"] === true,
  };
}

/** `<field>-data` holds base64, `<field>` a path. */
async function pem({ fields, dir }: Entry, field: string): Promise<string | undefined> {
  const data = text(fields, `${field}-data`);
  if (data) return Buffer.from(data, "base64").toString("utf8");
  const path = text(fields, field);
  return path === undefined ? undefined : read(resolve(dir, path));
}

function credentialsOf({ fields, dir }: Entry): Credentials {
  const tokenFile = text(fields, "tokenFile");
  if (tokenFile) return tokenFileCredentials(resolve(dir, tokenFile));
  const token = text(fields, "token");
  if (token) return fixedCredentials(`Bearer ${token}`);
  const username = text(fields, "username");
  if (!username) return fixedCredentials(undefined);
  const pair = `${username}:${text(fields, "password") ?? ""}`;
  return fixedCredentials(`Basic ${Buffer.from(pair).toString("base64")}`);
}

async function mergeFiles(paths: readonly string[]): Promise<Merged> {
  const merged: Merged = { currentContext: undefined, clusters: new Map(), users: new Map(), contexts: new Map() };
  let found = 0;
  for (const path of paths) {
    const source = await read(path).catch((error: KubeError) => {
      if ((error.cause as NodeJS.ErrnoException)?.code === "ENOENT") return undefined;
      throw error;
    });
    if (source === undefined) continue;
    found++;
    mergeInto(merged, await parse(path, source), dirname(path));
  }
  if (found === 0) throw new KubeError("config", `no kubeconfig at ${paths.join(", ")}`);
  return merged;
}

function mergeInto(merged: Merged, document: Fields, dir: string): void {
  merged.currentContext ||= text(document, "current-context");
  const sections = [
    [merged.clusters, "clusters", "cluster"],
    [merged.users, "users", "user"],
    [merged.contexts, "contexts", "context"],
  ] as const;
  for (const [into, list, inner] of sections) {
    for (const item of Array.isArray(document[list]) ? document[list] : []) {
      const name = isFields(item) ? text(item, "name") : undefined;
      if (name !== undefined && !into.has(name)) into.set(name, { fields: fieldsOf(item[inner]), dir });
    }
  }
}

/** JSON is YAML too, and the only kind that needs no parser to be loaded: a pod that gets one should get JSON. */
async function parse(path: string, source: string): Promise<Fields> {
  try {
    if (source.trimStart().startsWith("{")) return fieldsOf(JSON.parse(source));
    const { parse: parseYaml } = await import("yaml");
    return fieldsOf(parseYaml(source));
  } catch (cause) {
    throw new KubeError("config", `${path} is not a kubeconfig: ${(cause as Error).message}`, { cause });
  }
}

const read = (path: string): Promise<string> =>
  readFile(path, "utf8").catch((cause: unknown) => {
    throw new KubeError("config", `${path} can't be read`, { cause });
  });

function pick(entries: ReadonlyMap<string, Entry>, kind: string, name: string): Entry {
  const entry = entries.get(name);
  if (entry) return entry;
  const known = [...entries.keys()].join(", ") || "none";
  throw new KubeError("config", `the kubeconfig has no ${kind} "${name}"; it has: ${known}`);
}

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null;
const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {});
const text = (fields: Fields, key: string): string | undefined =>
  typeof fields[key] === "string" ? fields[key] : undefined;
