/** The certificates of Ingresses, out of their Secrets. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import type { Secret } from "kubernetes-types/core/v1.js";
import type { Ingress, IngressTLS } from "kubernetes-types/networking/v1.js";
import type { IngressCertificate } from "./types.ts";

/** Each `tls` entry with the key of its Secret, `namespace/name`. */
export const tlsEntries = (ingresses: readonly Ingress[]): { readonly secret: string; readonly entry: IngressTLS }[] =>
  ingresses.flatMap(({ metadata, spec }) =>
    (spec?.tls ?? []).flatMap((entry) =>
      entry.secretName ? [{ secret: `${metadata?.namespace}/${entry.secretName}`, entry }] : [],
    ),
  );

/** Hosts that rules or certificates name; what a fallback certificate has to be for. */
export const hostsOf = (ingresses: readonly Ingress[]): string[] => [
  ...new Set(
    ingresses
      .flatMap(({ spec }) => [
        ...(spec?.rules ?? []).map(({ host = "" }) => host),
        ...(spec?.tls ?? []).flatMap(({ hosts }) => hosts ?? []),
      ])
      .filter((host) => host !== "")
      .map((host) => host.toLowerCase()),
  ),
];

/** The pair in a Secret of type kubernetes.io/tls; undefined when it holds none, or a key that is not the certificate's. */
export function certificateOf({ hosts = [] }: IngressTLS, secret: Secret | undefined): IngressCertificate | undefined {
  const certificatePem = decoded(secret, "tls.crt");
  const keyPem = decoded(secret, "tls.key");
  try {
    const isPair = new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(keyPem));
    return isPair ? { names: hosts.map((host) => host.toLowerCase()), certificatePem, keyPem } : undefined;
  } catch {
    // Not PEM, or none at all.
    return undefined;
  }
}

const decoded = (secret: Secret | undefined, field: string): string =>
  Buffer.from(secret?.data?.[field] ?? "", "base64").toString();
