/** Which certificate a TLS client is shown: the one for the name it asks for (SNI, RFC 6066 3). */
import { createSecureContext, type SecureContext, type SecureContextOptions, type TlsOptions } from "node:tls";
import { candidates, hostName } from "../match.ts";
import type { IngressCertificate } from "../types.ts";

const oldest = "TLSv1.2" satisfies SecureContextOptions["minVersion"];

export class ServerNames {
  /** By key, so that a change of routes does not make all of them anew. */
  #contexts = new Map<string, SecureContext>();
  #byName = new Map<string, SecureContext>();
  #fallback: IngressCertificate | undefined;

  update(certificates: readonly IngressCertificate[]): void {
    const contexts = new Map<string, SecureContext>();
    this.#byName = new Map();
    for (const { names, certificatePem: cert, keyPem: key } of certificates) {
      const id = `${cert}${key}`;
      const context = this.#contexts.get(id) ?? createSecureContext({ cert, key, minVersion: oldest });
      contexts.set(id, context);
      for (const name of names) if (!this.#byName.has(name)) this.#byName.set(name, context);
    }
    this.#contexts = contexts;
    // The first that is for any name, or else the last.
    this.#fallback = certificates.find(({ names }) => names.length === 0) ?? certificates.at(-1);
  }

  /** What clients are shown that ask for no name, or for one that no certificate is for: a handshake that fails would not say why. */
  get fallback(): SecureContextOptions {
    return { cert: this.#fallback?.certificatePem, key: this.#fallback?.keyPem, minVersion: oldest };
  }

  /** For the exact name or its wildcard; undefined for the fallback. */
  contextFor(serverName: string): SecureContext | undefined {
    return candidates(hostName(serverName))
      .map((name) => this.#byName.get(name))
      .find((context) => context !== undefined);
  }
}

export const secureOptions = (names: ServerNames): TlsOptions => ({
  ...names.fallback,
  ALPNProtocols: ["http/1.1"],
  SNICallback: (serverName, done) => done(null, names.contextFor(serverName)),
});
