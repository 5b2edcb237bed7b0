/** Mutual TLS whose files may change while we run. */
import { readFileSync, statSync } from "node:fs";
import type { SecureContextOptions } from "node:tls";
import type { WireTls } from "./options.ts";

export function readTls(files: WireTls): SecureContextOptions {
  return {
    cert: readFileSync(files.certFile),
    key: readFileSync(files.keyFile),
    ca: readFileSync(files.caFile),
    minVersion: "TLSv1.3",
  };
}

/** Changes when any of the files does. */
export function tlsVersion(files: WireTls): string {
  return [files.certFile, files.keyFile, files.caFile].map((file) => statSync(file).mtimeMs).join();
}
