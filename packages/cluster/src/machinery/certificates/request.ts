/**
 * Reads certificate signing requests (PKCS#10, RFC 2986): what of them a certificate repeats, and whether the sender holds the key. Only the
 * forms of DER that such a request has are read; anything else is refused as unreadable.
 */
import { createPublicKey, type KeyObject, verify } from "node:crypto";

export interface CertificateRequest {
  /** The subject's name as it was encoded. */
  readonly subject: Buffer;
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly publicKey: KeyObject;
}

interface Element {
  readonly tag: number;
  readonly content: Buffer;
  /** With its tag and length. */
  readonly whole: Buffer;
}

const sequence = 0x30;
const set = 0x31;
const objectId = 0x06;
const bitString = 0x03;
const integer = 0x02;

/** DER of the identifiers that matter here, in hexadecimal. */
const ids = { commonName: "550403", organization: "55040a" };

/** Identifiers of signature algorithms to the hash that they sign. */
const hashes: Readonly<Record<string, string | null>> = {
  "2a864886f70d01010b": "sha256", // RSA
  "2a864886f70d01010c": "sha384",
  "2a864886f70d01010d": "sha512",
  "2a8648ce3d040302": "sha256", // ECDSA
  "2a8648ce3d040303": "sha384",
  "2a8648ce3d040304": "sha512",
  "2b6570": null, // Ed25519
};

const maxBytes = 64 << 10;

/** Undefined for what is no request, or not signed with its own key. */
export function readCertificateRequest(pem: string): CertificateRequest | undefined {
  const [, body] =
    /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END (?:NEW )?CERTIFICATE REQUEST-----/.exec(
      pem.slice(0, maxBytes),
    ) ?? [];
  if (body === undefined) return undefined;
  try {
    return read(Buffer.from(body, "base64"));
  } catch {
    return undefined; // node:crypto's refusal of a key, too
  }
}

function read(der: Buffer): CertificateRequest | undefined {
  const [outer] = elements(der);
  const [info, algorithm, signature] = childrenOf(outer, sequence);
  const [version, name, keyInfo] = childrenOf(info, sequence);
  const [algorithmId] = childrenOf(algorithm, sequence);
  if (!info || !name || !keyInfo || version?.tag !== integer || algorithmId?.tag !== objectId) return undefined;
  if (signature?.tag !== bitString) return undefined;
  const publicKey = createPublicKey({ key: keyInfo.whole, format: "der", type: "spki" });
  const hash = hashes[algorithmId.content.toString("hex")];
  if (hash === undefined || !verify(hash, info.whole, publicKey, signature.content.subarray(1))) return undefined;
  return {
    subject: name.whole,
    commonName: valuesOf(name, ids.commonName).at(-1) ?? "",
    organizations: valuesOf(name, ids.organization),
    publicKey,
  };
}

function valuesOf(name: Element, id: string): string[] {
  return childrenOf(name, sequence)
    .flatMap((relative) => childrenOf(relative, set))
    .map((attribute) => childrenOf(attribute, sequence))
    .filter(([type, value]) => value && type?.content.toString("hex") === id)
    .map(([, value]) => (value as Element).content.toString("utf8"));
}

const childrenOf = (element: Element | undefined, tag: number): Element[] =>
  element?.tag === tag ? elements(element.content) : [];

/** The elements that stand one after the other in `bytes`; what is cut off is left out. */
function elements(bytes: Buffer): Element[] {
  const found: Element[] = [];
  let at = 0;
  while (at + 2 <= bytes.length) {
    const { size, start } = lengthAt(bytes, at + 1);
    const end = start + size;
    if (end > bytes.length) break;
    found.push({ tag: bytes[at] as number, content: bytes.subarray(start, end), whole: bytes.subarray(at, end) });
    at = end;
  }
  return found;
}

/** Of one byte, or of one byte that counts up to three that follow. */
function lengthAt(bytes: Buffer, at: number): { size: number; start: number } {
  const first = bytes[at] as number;
  if (first < 0x80) return { size: first, start: at + 1 };
  const count = first & 0x7f;
  const isReadable = count >= 1 && count <= 3 && at + 1 + count <= bytes.length;
  if (!isReadable) return { size: Number.POSITIVE_INFINITY, start: at + 1 };
  return { size: bytes.readUIntBE(at + 1, count), start: at + 1 + count };
}
