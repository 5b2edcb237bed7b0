import { readFile } from "node:fs/promises";
import { KubeError } from "../errors.ts";
import type { Credentials } from "./types.ts";

/** Credentials that never change. */
export const fixedCredentials = (authorization: string | undefined): Credentials => ({
  authorization: async () => authorization,
  refresh() {},
});

/** How long a token is used before its file is read again. The kubelet replaces it well before it expires. */
const rereadAfterMs = 10_000;

/** A bearer token in a file that is replaced from time to time, as service-account tokens are. */
export function tokenFileCredentials(path: string, now: () => number = () => performance.now()): Credentials {
  let token: string | undefined;
  let readAt = 0;
  return {
    async authorization() {
      if (token === undefined || now() - readAt >= rereadAfterMs) {
        token = await readToken(path, token);
        readAt = now();
      }
      return `Bearer ${token}`;
    },
    refresh() {
      readAt = Number.NEGATIVE_INFINITY;
    },
  };
}

/** While the file is being replaced it may be absent or empty for a moment; the previous token still serves then. */
async function readToken(path: string, previous: string | undefined): Promise<string> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    if (previous !== undefined) return previous;
    throw new KubeError("config", `the service-account token ${path} can't be read`, { cause });
  });
  const token = text.trim() || previous;
  if (token === undefined) throw new KubeError("config", `the service-account token ${path} is empty`);
  return token;
}
