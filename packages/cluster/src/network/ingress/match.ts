/** Which backend takes a request (https://kubernetes.io/docs/concepts/services-networking/ingress/#path-types). Pure. */
import type { IngressPath, IngressRoutes } from "./types.ts";

/**
 * The rules of the exact host come first, then those of `*.domain`, then those without a host; within each the longest path wins,
 * and an exact path over a prefix. What no rule matches goes to the host's default backend or the site's; undefined without either.
 */
export function chooseBackend(routes: IngressRoutes, host: string, path: string): string | undefined {
  const hosts = candidates(host).flatMap((name) => (Object.hasOwn(routes.hosts, name) ? [routes.hosts[name]] : []));
  for (const entry of hosts) {
    const matched = entry?.paths.find((rule) => matchesPath(rule, path));
    if (matched) return matched.backend;
  }
  return hosts.find((entry) => entry?.defaultBackend)?.defaultBackend ?? routes.defaultBackend;
}

/** A wildcard stands for exactly one label. */
export const candidates = (host: string): string[] => [host, host.replace(/^[^.]+/, "*"), ""];

/** `Host` header or server name without port and final dot, in lower case. */
export const hostName = (host: string): string => host.toLowerCase().replace(/:\d*$/, "").replace(/\.$/, "");

const matchesPath = ({ path: rule, isExact }: IngressPath, path: string): boolean =>
  path === rule || (!isExact && path.startsWith(`${rule}/`));

/**
 * The path of a request target with its dot segments resolved: a backend would resolve them too, and `/public/../admin` must not pass a
 * rule for `/public`. Undefined for what is no path (`*`, an authority).
 */
export function pathOf(target: string): string | undefined {
  if (!target.startsWith("/") && !/^https?:\/\//i.test(target)) return undefined;
  // A target that begins with "//" is a path, not an authority.
  const absolute = target.startsWith("/") ? `http://host${target}` : target;
  return URL.canParse(absolute) ? new URL(absolute).pathname : undefined;
}
