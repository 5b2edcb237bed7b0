/**
 * The cluster's secrets: a certificate authority of its own, the API server's serving certificate, the key that signs service-account
 * tokens, and the administrator's token. The keys are EC P-256, which takes milliseconds to make. With a folder they are kept there (0700, files 0600) and reused; a serving
 * certificate that runs out or does not name the wanted addresses is issued anew by the same CA, so that kubeconfigs stay valid.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  X509Certificate,
} from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { issueAuthority, issueClientCertificate, issueServingCertificate } from "./issue.ts";

export interface PkiOptions {
  /** Where the files live; undefined keeps everything in memory. */
  readonly dir?: string | undefined;
  /** IPv4 addresses of the API server beyond 127.0.0.1. */
  readonly addresses?: readonly string[] | undefined;
  /** The cluster's DNS domain; `cluster.local` unless told. */
  readonly domain?: string | undefined;
}

export interface Pki {
  readonly caPem: string;
  readonly certificatePem: string;
  readonly keyPem: string;
  /** Signs service-account tokens (ES256). */
  readonly tokenKey: KeyObject;
  readonly tokenPublicKey: KeyObject;
  /** The administrator's bearer token. */
  readonly adminToken: string;
  /** Makes a server certificate of this authority for further names and addresses. */
  issue(hosts: readonly string[]): KeyedCertificate;
  /** Makes a client certificate of this authority, in PEM, for what somebody asked. */
  issueClient(request: ClientRequest, seconds: number): string;
}

export interface ClientRequest {
  /** A name in DER. */
  readonly subject: Buffer;
  readonly publicKey: KeyObject;
}

/** A certificate with its private key, both in PEM. */
export interface KeyedCertificate {
  readonly certificatePem: string;
  readonly keyPem: string;
}

const renewalMarginMs = 30 * 24 * 3600 * 1000;

/** Names that clients inside and outside of the cluster use for the API server. */
const servingNames = (domain: string): string[] => [
  "localhost",
  "kubernetes",
  "kubernetes.default",
  "kubernetes.default.svc",
  `kubernetes.default.svc.${domain}`,
];

/** Loads the keys from `dir`, makes what is missing, and writes it there before it resolves. */
export async function openPki(options: PkiOptions = {}): Promise<Pki> {
  const { dir, domain = "cluster.local" } = options;
  const hosts = ["127.0.0.1", ...(options.addresses ?? []), ...servingNames(domain)];
  if (dir !== undefined) await mkdir(dir, { recursive: true, mode: 0o700 });
  const authority = (await load(dir, "ca")) ?? (await save(dir, "ca", issueAuthority()));
  const serving = await servingCertificate(dir, authority, hosts);
  const tokenKey = createPrivateKey(await tokenKeyPem(dir));
  const adminToken = await keepAdminToken(dir);
  return {
    caPem: authority.certificatePem,
    ...serving,
    tokenKey,
    tokenPublicKey: createPublicKey(tokenKey),
    adminToken,
    issue: (hosts) => issueServingCertificate(authority, hosts, hosts[0]),
    issueClient: (request, seconds) => issueClientCertificate(authority, request, seconds),
  };
}

async function servingCertificate(dir: string | undefined, authority: KeyedCertificate, hosts: readonly string[]) {
  const kept = await load(dir, "apiserver");
  if (kept !== undefined && serves(kept, authority, hosts)) return kept;
  return save(dir, "apiserver", issueServingCertificate(authority, hosts));
}

function serves(kept: KeyedCertificate, authority: KeyedCertificate, hosts: readonly string[]): boolean {
  const certificate = new X509Certificate(kept.certificatePem);
  const covered = hosts.every((host) => (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)));
  const fresh = Date.parse(certificate.validTo) - Date.now() > renewalMarginMs;
  return covered && fresh && certificate.verify(new X509Certificate(authority.certificatePem).publicKey);
}

async function tokenKeyPem(dir: string | undefined): Promise<string> {
  const kept = await readOptional(dir, "sa.key");
  if (kept !== undefined) return kept;
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  await writePrivate(dir, "sa.key", pem);
  return pem;
}

async function keepAdminToken(dir: string | undefined): Promise<string> {
  const kept = (await readOptional(dir, "admin.token"))?.trim();
  if (kept) return kept;
  const token = randomBytes(32).toString("base64url");
  await writePrivate(dir, "admin.token", `${token}\n`);
  return token;
}

async function load(dir: string | undefined, name: string): Promise<KeyedCertificate | undefined> {
  const [certificatePem, keyPem] = await Promise.all([
    readOptional(dir, `${name}.crt`),
    readOptional(dir, `${name}.key`),
  ]);
  return certificatePem === undefined || keyPem === undefined ? undefined : { certificatePem, keyPem };
}

async function save(dir: string | undefined, name: string, pair: KeyedCertificate): Promise<KeyedCertificate> {
  await writePrivate(dir, `${name}.key`, pair.keyPem);
  await writePrivate(dir, `${name}.crt`, pair.certificatePem);
  return pair;
}

/** The file's text, or undefined when there is no folder or no such file. */
async function readOptional(dir: string | undefined, name: string): Promise<string | undefined> {
  if (dir === undefined) return undefined;
  try {
    return await readFile(join(dir, name), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Writes a file that only its owner may read, whole or not at all. */
async function writePrivate(dir: string | undefined, name: string, text: string): Promise<void> {
  if (dir === undefined) return;
  const temporary = join(dir, `.${name}.${process.pid}`);
  await writeFile(temporary, text, { mode: 0o600 });
  await rename(temporary, join(dir, name));
}
