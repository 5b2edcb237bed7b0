import { StatusError } from "../errors.ts";
import { badRequest } from "../write/refusals.ts";

/** Throws BadRequest for what is no version. */
export function parseVersion(text: string): number {
  if (!/^\d{1,15}$/.test(text))
    throw badRequest(`resourceVersion: Invalid value: ${JSON.stringify(text)}: must be a number`);
  return Number(text);
}

/** Throws Timeout (retry after a second) for a version that this store has not reached, such as one of a cluster that was reset. */
export function checkNotFuture(version: number, current: number): void {
  if (version <= current) return;
  const message = `Too large resource version: ${version}, current: ${current}`;
  const causes = [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }];
  throw new StatusError("Timeout", message, { causes, retryAfterSeconds: 1 });
}
