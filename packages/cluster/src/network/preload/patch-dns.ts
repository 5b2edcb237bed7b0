/** Puts cluster DNS behind every function of `node:dns`, callbacks and promises, and behind new Resolvers. */
import dns from "node:dns";
import { createLookup, type Lookup, type LookupAddress, type LookupOptions } from "./lookup.ts";
import type { Settings } from "./settings.ts";

type Callback = (error: Error | null, address?: string | null | LookupAddress[], family?: number) => void;

/** Those that ask a server; all of them exist on Resolver, `dns` and `dns.promises` alike. */
const queries = [
  "resolve",
  "resolve4",
  "resolve6",
  "resolveAny",
  "resolveCaa",
  "resolveCname",
  "resolveMx",
  "resolveNaptr",
  "resolveNs",
  "resolvePtr",
  "resolveSoa",
  "resolveSrv",
  "resolveTxt",
  "reverse",
  "getServers",
  "setServers",
] as const;

/** Resolvers are made at their first use: each opens a channel, which most short-lived programs never need. */
export function patchDns(settings: Settings): void {
  const Resolver = podResolver(dns.Resolver, settings);
  const PromisesResolver = podResolver(dns.promises.Resolver, settings);
  const resolver = once(() => new Resolver());
  const promisesResolver = once(() => new PromisesResolver());
  const lookup = createLookup(settings, promisesResolver);
  Object.assign(dns, { Resolver, lookup: withCallback(lookup) }, forwarding(resolver));
  Object.assign(
    dns.promises,
    { Resolver: PromisesResolver, lookup: withPromise(lookup) },
    forwarding(promisesResolver),
  );
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

interface ServerSettings {
  setServers(servers: readonly string[]): void;
  setLocalAddress(ipv4: string): void;
}

/** Asks cluster DNS, from the pod's own address: a server can tell who asks. */
function podResolver<C extends new (...args: never[]) => ServerSettings>(Base: C, { dns: server, podIp }: Settings): C {
  return new Proxy(Base, {
    construct(target, args, newTarget) {
      const resolver: ServerSettings = Reflect.construct(target, args, newTarget);
      resolver.setServers([server]);
      resolver.setLocalAddress(podIp);
      return resolver;
    },
  });
}

function forwarding(resolver: () => dns.Resolver | dns.promises.Resolver): Record<string, unknown> {
  const method =
    (name: string) =>
    (...args: unknown[]): unknown => {
      const target = resolver();
      return Reflect.apply(Reflect.get(target, name), target, args);
    };
  return Object.fromEntries(queries.map((name) => [name, method(name)]));
}

/** `dns.lookup(hostname[, options], callback)`; options may be the family alone. */
function withCallback(lookup: Lookup) {
  return (hostname: string, ...rest: [LookupOptions | number | Callback, Callback?]): object => {
    const callback = rest.at(-1) as Callback;
    const options = optionsOf(typeof rest[0] === "function" ? undefined : rest[0]);
    const found = hostname ? lookup(hostname, options) : Promise.resolve([]);
    // Called outside the promise, so that what the callback throws is its own and not our rejection.
    found.then(
      (addresses) => process.nextTick(deliver, addresses, options, callback),
      (error: Error) => process.nextTick(callback, error),
    );
    return {};
  };
}

function deliver(addresses: LookupAddress[], options: LookupOptions, callback: Callback): void {
  if (options.all) callback(null, addresses);
  else callback(null, addresses[0]?.address ?? null, addresses[0]?.family ?? (options.family === 6 ? 6 : 4));
}

function withPromise(lookup: Lookup) {
  return async (hostname: string, given?: LookupOptions | number) => {
    const options = optionsOf(given);
    const addresses = hostname ? await lookup(hostname, options) : [];
    return options.all ? addresses : (addresses[0] ?? { address: null, family: options.family === 6 ? 6 : 4 });
  };
}

const optionsOf = (given: LookupOptions | number | null | undefined): LookupOptions =>
  typeof given === "number" ? { family: given as 4 | 6 } : (given ?? {});
