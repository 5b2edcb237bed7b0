/** Issues certificates. Imported only when files are missing: the X.509 library is slow to load. */
import "reflect-metadata";
import { KeyObject, randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import * as x509 from "@peculiar/x509";
import type { KeyedCertificate } from "./pki.ts";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const authorityName = "CN=coracle-ca,O=coracle";
const authorityDays = 3650;
const servingDays = 825;

/** Makes a self-signed certificate authority. */
export async function issueAuthority(): Promise<KeyedCertificate> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const { keyCertSign, cRLSign, digitalSignature } = x509.KeyUsageFlags;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      ...validity(authorityDays),
      name: authorityName,
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(keyCertSign | cRLSign | digitalSignature, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    },
    webcrypto,
  );
  return keyed(certificate, keys.privateKey);
}

/** Makes a server certificate for `hosts` (addresses and names), signed by `authority`. */
export async function issueServingCertificate(
  authority: KeyedCertificate,
  hosts: readonly string[],
): Promise<KeyedCertificate> {
  const issuer = new x509.X509Certificate(authority.certificatePem);
  const signingKey = await importPrivateKey(authority.keyPem);
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const names = hosts.map((value) => ({ type: isIP(value) ? ("ip" as const) : ("dns" as const), value }));
  const certificate = await x509.X509CertificateGenerator.create(
    {
      ...validity(servingDays),
      subject: "CN=kube-apiserver",
      issuer: issuer.subject,
      publicKey: keys.publicKey,
      signingKey,
      signingAlgorithm: algorithm,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(names),
        await x509.AuthorityKeyIdentifierExtension.create(issuer),
      ],
    },
    webcrypto,
  );
  return keyed(certificate, keys.privateKey);
}

/** A positive serial number and a period that begins an hour ago, for clients whose clock is behind. */
function validity(days: number) {
  const notBefore = new Date(Date.now() - 3600 * 1000);
  const notAfter = new Date(notBefore.getTime() + days * 24 * 3600 * 1000);
  return { serialNumber: `01${randomBytes(15).toString("hex")}`, notBefore, notAfter };
}

const keyed = (certificate: x509.X509Certificate, key: webcrypto.CryptoKey): KeyedCertificate => ({
  certificatePem: `${certificate.toString("pem")}\n`,
  keyPem: KeyObject.from(key).export({ type: "pkcs8", format: "pem" }).toString(),
});

function importPrivateKey(pem: string) {
  const der = x509.PemConverter.decodeFirst(pem);
  return webcrypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"]);
}
