/**
 * Issues certificates (RFC 5280) with EC P-256 keys. Written out by hand because it is two certificates of one form: the X.509 library that was
 * used at first took longer to load (110 ms, 18 MB) than all else that a cluster does until it answers.
 */
import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from "node:crypto";
import { isIPv4 } from "node:net";
import * as der from "./der.ts";
import type { KeyedCertificate } from "./pki.ts";

const oids = {
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  commonName: "2.5.4.3",
  subjectKeyId: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyId: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
};

const authorityName = "coracle-ca";
const serverName = "kube-apiserver";
const daySeconds = 24 * 3600;
const authoritySeconds = 3650 * daySeconds;
const servingSeconds = 825 * daySeconds;

/** Bits of the key usage: digitalSignature is the highest. */
const usages = { sign: 0b1000_0000, signCertificates: 0b1000_0110 };

interface Request {
  /** A common name, or a whole name as it was encoded. */
  readonly subject: string | Buffer;
  readonly seconds: number;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
}

interface Signer {
  readonly name: string;
  readonly key: KeyObject;
}

/** Makes a self-signed certificate authority. */
export function issueAuthority(): KeyedCertificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const isAuthority = der.sequence(der.truth());
  const extensions = [
    extension(oids.basicConstraints, isAuthority, true),
    extension(oids.keyUsage, der.bits(Buffer.from([usages.signCertificates]), 1), true),
    extension(oids.subjectKeyId, der.octets(keyId(publicKey))),
  ];
  const signer = { name: authorityName, key: privateKey };
  return keyed(
    certificate({ subject: authorityName, seconds: authoritySeconds, publicKey, extensions }, signer),
    privateKey,
  );
}

/** Makes a server certificate for `hosts` (addresses and names), signed by `authority`. */
export function issueServingCertificate(
  authority: KeyedCertificate,
  hosts: readonly string[],
  subject = serverName,
): KeyedCertificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const issuerKey = new X509Certificate(authority.certificatePem).publicKey;
  const extensions = [
    extension(oids.basicConstraints, der.sequence(), true),
    extension(oids.keyUsage, der.bits(Buffer.from([usages.sign]), 7), true),
    extension(oids.extendedKeyUsage, der.sequence(der.oid(oids.serverAuth))),
    extension(oids.subjectAltName, der.sequence(...hosts.map(alternativeName))),
    extension(oids.authorityKeyId, der.sequence(der.tagged(0x80, keyId(issuerKey)))),
  ];
  const signer = { name: authorityName, key: createPrivateKey(authority.keyPem) };
  return keyed(certificate({ subject, seconds: servingSeconds, publicKey, extensions }, signer), privateKey);
}

/** Makes a client certificate for a key and a name that somebody asked for, in PEM. `subject` is DER. */
export function issueClientCertificate(
  authority: KeyedCertificate,
  { subject, publicKey }: { readonly subject: Buffer; readonly publicKey: KeyObject },
  seconds: number,
): string {
  const issuerKey = new X509Certificate(authority.certificatePem).publicKey;
  const extensions = [
    extension(oids.basicConstraints, der.sequence(), true),
    extension(oids.keyUsage, der.bits(Buffer.from([usages.sign]), 7), true),
    extension(oids.extendedKeyUsage, der.sequence(der.oid(oids.clientAuth))),
    extension(oids.authorityKeyId, der.sequence(der.tagged(0x80, keyId(issuerKey)))),
  ];
  const signer = { name: authorityName, key: createPrivateKey(authority.keyPem) };
  return pem(certificate({ subject, seconds, publicKey, extensions }, signer));
}

function certificate({ subject, seconds, publicKey, extensions }: Request, signer: Signer): Buffer {
  const algorithm = der.sequence(der.oid(oids.ecdsaWithSha256));
  const version3 = der.context(0, der.integer(Buffer.from([2])));
  const body = der.sequence(
    version3,
    der.integer(Buffer.from([1, ...randomBytes(15)])),
    algorithm,
    name(signer.name),
    validity(seconds),
    typeof subject === "string" ? name(subject) : subject,
    publicKey.export({ type: "spki", format: "der" }),
    der.context(3, der.sequence(...extensions)),
  );
  return der.sequence(body, algorithm, der.bits(sign("sha256", body, signer.key)));
}

const name = (commonName: string): Buffer =>
  der.sequence(der.set(der.sequence(der.oid(oids.commonName), der.utf8(commonName))));

/** Begins an hour ago, for clients whose clock is behind. */
function validity(seconds: number): Buffer {
  const notBefore = new Date(Date.now() - 3600 * 1000);
  const notAfter = new Date(Date.now() + seconds * 1000);
  return der.sequence(der.utcTime(notBefore), der.utcTime(notAfter));
}

const extension = (id: string, value: Buffer, isCritical = false): Buffer =>
  der.sequence(der.oid(id), ...(isCritical ? [der.truth()] : []), der.octets(value));

/** A dNSName (2) or an iPAddress (7). */
function alternativeName(host: string): Buffer {
  if (isIPv4(host)) return der.tagged(0x87, Buffer.from(host.split(".").map(Number)));
  return der.tagged(0x82, Buffer.from(host));
}

/** Names a public key, so that chains are found: the first method of RFC 5280, section 4.2.1.2, over the whole key. */
const keyId = (publicKey: KeyObject): Buffer =>
  createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest()
    .subarray(0, 20);

const keyed = (certificateDer: Buffer, key: KeyObject): KeyedCertificate => ({
  certificatePem: pem(certificateDer),
  keyPem: key.export({ type: "pkcs8", format: "pem" }).toString(),
});

const pem = (bytes: Buffer): string => {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
};
