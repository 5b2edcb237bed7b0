/** The preload's own reading of its environment. No import: every module here adds to the start of every Node.js process of a pod. */

export interface Settings {
  readonly podIp: string;
  readonly hostname: string;
  /** `address` or `address:port` of cluster DNS. */
  readonly dns: string;
  readonly search: readonly string[];
  /** Further names of this pod's hosts file, lower case. */
  readonly hosts: ReadonlyMap<string, string>;
  readonly policyFile: string | undefined;
  readonly faultsFile: string | undefined;
}

/** Undefined outside a pod: the preload then changes nothing. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings | undefined {
  const { CORACLE_POD_IP: podIp, CORACLE_DNS: dns } = env;
  if (!podIp || !dns) return undefined;
  return {
    podIp,
    dns,
    hostname: (env.CORACLE_POD_HOSTNAME ?? "").toLowerCase(),
    search: (env.CORACLE_DNS_SEARCH ?? "").split(" ").filter(Boolean),
    hosts: readHosts(env.CORACLE_HOSTS),
    policyFile: env.CORACLE_NETWORK_POLICY || undefined,
    faultsFile: env.CORACLE_FAULTS || undefined,
  };
}

function readHosts(text: string | undefined): Map<string, string> {
  const hosts: unknown = text ? JSON.parse(text) : {};
  const entries = typeof hosts === "object" && hosts !== null ? Object.entries(hosts) : [];
  return new Map(entries.map(([name, address]) => [name.toLowerCase(), String(address)]));
}

const dots = /\./g;
const ndots = 5;

/** The names to ask for in turn, as a resolver with `options ndots:5` does: a final dot means "exactly this". */
export function candidates(name: string, search: readonly string[]): string[] {
  if (name.endsWith(".")) return [name.slice(0, -1)];
  const searched = search.map((domain) => `${name}.${domain}`);
  return (name.match(dots)?.length ?? 0) >= ndots ? [name, ...searched] : [...searched, name];
}
