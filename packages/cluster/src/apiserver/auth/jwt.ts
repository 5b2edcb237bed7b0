/** Signed tokens (RFC 7519) with ES256, the one algorithm used here, so that no header can ask for another. */
import { createHash, type KeyObject, sign, verify } from "node:crypto";

const maxTokenBytes = 8 * 1024;

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Names a public key, as `kid` does in a token's header. */
export function keyId(publicKey: KeyObject): string {
  const der = publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(der).digest("base64url");
}

export function signJwt(claims: object, key: KeyObject, kid: string): string {
  const body = `${encode({ alg: "ES256", kid })}.${encode(claims)}`;
  const signature = sign("sha256", Buffer.from(body), { key, dsaEncoding: "ieee-p1363" });
  return `${body}.${signature.toString("base64url")}`;
}

/** The claims of a token whose signature is good; undefined for anything else. Times and audience are the caller's to check. */
export function verifyJwt(token: string, key: KeyObject): Record<string, unknown> | undefined {
  if (token.length > maxTokenBytes) return undefined;
  const [header, payload, signature, ...rest] = token.split(".");
  if (!header || !payload || !signature || rest.length > 0) return undefined;
  if (decode(header)?.alg !== "ES256") return undefined;
  const bytes = Buffer.from(signature, "base64url");
  const isGenuine = verify("sha256", Buffer.from(`${header}.${payload}`), { key, dsaEncoding: "ieee-p1363" }, bytes);
  return isGenuine ? decode(payload) : undefined;
}

function decode(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString());
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
