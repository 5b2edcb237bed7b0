/** The files of TLS, read at each use so that renewed ones count without a restart. */
import { readFileSync, statSync } from "node:fs";
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

const LOOK_MS = 1000;

/** Calls `use` whenever the files have been renewed, until the returned function is called. Listeners need it: they keep what they were made with. */
export function followTls(files: TlsFiles, use: (renewed: SecureContextOptions) => void): () => void {
  let version = versionOf(files);
  const look = (): void => {
    try {
      const current = versionOf(files);
      if (current === version) return;
      use(readTls(files));
      version = current;
    } catch {
      // Half replaced: the old ones stay until the next look.
    }
  };
  const timer = setInterval(look, LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

const versionOf = ({ certFile, keyFile, caFile }: TlsFiles): string =>
  [certFile, keyFile, caFile].map((file) => statSync(file).mtimeMs).join();

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
