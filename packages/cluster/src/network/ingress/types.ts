/** What the cluster's thread tells the gateway (in the proxy's worker thread), and what it hears from it. Plain data. */
import type { Address } from "../proxy/messages.ts";

/** A port of a Service, as a rule names it. */
export interface IngressBackend {
  /** `namespace/service:port`. */
  readonly id: string;
  /** Those that take new requests; none: 503. */
  readonly endpoints: readonly Address[];
  /** Those that finish what they have: unready or terminating, but still of the Service. */
  readonly draining: readonly Address[];
  readonly affinitySeconds?: number;
}

export interface IngressPath {
  /** Begins with "/"; a prefix has no final "/" ("" is the prefix of everything). */
  readonly path: string;
  readonly isExact: boolean;
  readonly backend: string;
}

export interface IngressHost {
  /** Most specific first: longest, and exact before prefix. */
  readonly paths: readonly IngressPath[];
  /** For requests to this host that no path matches. */
  readonly defaultBackend?: string;
}

export interface IngressRoutes {
  /** By lower-case host name, `*.domain`, or "" for the rules without a host. */
  readonly hosts: Readonly<Record<string, IngressHost>>;
  readonly defaultBackend?: string;
}

export interface IngressCertificate {
  /** Server names it is for, perhaps `*.domain`; none: any that no other certificate names. */
  readonly names: readonly string[];
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** What is served at one load-balancer address. */
export interface IngressSite {
  readonly address: string;
  /** Also served at 127.0.0.1. */
  readonly isOnLoopback: boolean;
  readonly routes: IngressRoutes;
  /** The last one answers for names that no other is for. */
  readonly certificates: readonly IngressCertificate[];
}

export interface IngressTable {
  readonly sites: readonly IngressSite[];
  readonly backends: readonly IngressBackend[];
}

/** Where a site listens by now: `http://127.10.255.254`, `https://127.0.0.1:8443`. */
export interface SiteReport {
  readonly address: string;
  readonly urls: readonly string[];
}
