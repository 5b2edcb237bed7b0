/** The files of TLS, read at each use so that renewed ones count without a restart. */
import { readFileSync } from "node:fs";
import type { SecureContextOptions } from "node:tls";
import { messageOf, WhitewaterError } from "../errors.ts";

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
}

export function readTls({ certFile, keyFile, caFile }: TlsFiles): SecureContextOptions {
  try {
    return {
      cert: readFileSync(certFile),
      key: readFileSync(keyFile),
      ca: readFileSync(caFile),
      minVersion: "TLSv1.3",
    };
  } catch (cause) {
    throw new WhitewaterError("config", `The files of TLS can't be read: ${messageOf(cause)}`, { cause });
  }
}

/** All three or none. */
export function tlsFiles(
  cert: string | undefined,
  key: string | undefined,
  ca: string | undefined,
): TlsFiles | undefined {
  if (cert !== undefined && key !== undefined && ca !== undefined) return { certFile: cert, keyFile: key, caFile: ca };
  if (cert === undefined && key === undefined && ca === undefined) return undefined;
  throw new WhitewaterError("config", "TLS_CERT_FILE, TLS_KEY_FILE and TLS_CA_FILE belong together: set all or none.");
}
