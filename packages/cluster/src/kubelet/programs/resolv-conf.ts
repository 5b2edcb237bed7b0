/** Whom to ask for names, and along which domains. */
import dns from "node:dns";
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { readSettings } from "../../network/preload/settings.ts";

export interface ResolverSettings {
  /** As `Resolver.setServers` takes it. */
  readonly nameserver: string;
  /** `address:port`. */
  readonly shown: string;
  readonly search: readonly string[];
}

/** `server`, or cluster DNS as the pod's environment tells, or the machine's. The search list is that of /etc/resolv.conf in the pod. */
export async function readResolvConf(server: string | undefined): Promise<ResolverSettings> {
  const settings = readSettings(process.env);
  const text = await readFile("/etc/resolv.conf", "utf8").catch(() => "");
  const search = /^search\s+(.+)$/m.exec(text)?.[1]?.split(/\s+/) ?? [];
  const ownServer = settings?.dns ?? /^nameserver\s+(\S+)$/m.exec(text)?.[1] ?? "127.0.0.1";
  const nameserver = server === undefined ? ownServer : await addressOf(server);
  const shown = nameserver.includes(":") ? nameserver : `${nameserver}:53`;
  return { nameserver, shown, search: settings === undefined ? search : settings.search };
}

async function addressOf(server: string): Promise<string> {
  return isIP(server) ? server : (await dns.promises.lookup(server, { family: 4 })).address;
}
