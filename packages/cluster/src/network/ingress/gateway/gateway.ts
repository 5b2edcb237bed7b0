/** Keeps the sites' listeners equal to the table. Runs in the proxy's worker thread, knows nothing of Kubernetes. */
import type { IngressTable, SiteReport } from "../types.ts";
import { Site } from "./site.ts";
import { Upstreams } from "./upstreams.ts";

export class Gateway {
  readonly #sites = new Map<string, Site>();
  readonly #upstreams = new Upstreams();
  readonly #report: (report: SiteReport) => void;

  constructor(report: (report: SiteReport) => void) {
    this.#report = report;
  }

  /** Makes `table` what is served; resolves when its sites listen where they can, and have been reported. */
  async apply({ sites, backends }: IngressTable): Promise<void> {
    this.#upstreams.update(backends);
    const wanted = new Map(sites.map((site) => [site.address, site]));
    for (const [address, site] of this.#sites) if (!wanted.has(address)) this.#close(address, site);
    await Promise.all(sites.map((site) => this.#put(site)));
  }

  stop(): void {
    for (const [address, site] of this.#sites) this.#close(address, site);
    this.#upstreams.stop();
  }

  async #put(row: IngressTable["sites"][number]): Promise<void> {
    const known = this.#sites.get(row.address);
    if (known) return known.update(row);
    const site = new Site(row, this.#upstreams);
    this.#sites.set(row.address, site);
    const urls = await site.listen();
    if (this.#sites.get(row.address) === site) this.#report({ address: row.address, urls });
  }

  #close(address: string, site: Site): void {
    this.#sites.delete(address);
    site.close();
  }
}
