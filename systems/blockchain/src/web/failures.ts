/** From what went wrong to a status and a text: one row per code, of this package's errors and of fastify's. */
import { BlockchainError, messageOf } from "../errors.ts";

export interface Failure {
  readonly status: number;
  readonly text: string;
}

const statusOf: Readonly<Record<string, number>> = {
  "bad-request": 400,
  "bad-address": 400,
  "bad-amount": 400,
  "bad-argument": 400,
  "bad-mnemonic": 400,
  "bad-psbt": 400,
  FST_ERR_VALIDATION: 400,
  FST_ERR_CTP_INVALID_JSON_BODY: 400,
  FST_ERR_CTP_EMPTY_JSON_BODY: 400,
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 400,
  FST_ERR_BAD_URL: 400,
  unauthorized: 401,
  "bad-passphrase": 403,
  forbidden: 403,
  "not-found": 404,
  FST_ERR_NOT_FOUND: 404,
  exists: 409,
  "not-encrypted": 409,
  "already-encrypted": 409,
  FST_ERR_CTP_BODY_TOO_LARGE: 413,
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 415,
  insufficient: 422,
  rejected: 422,
  locked: 423,
  "too-many": 429,
  busy: 503,
  scanning: 503,
  closed: 503,
};

/** Undefined for what we didn't foresee: the client then learns nothing of it, and the log everything. */
export function failureOf(error: unknown): Failure | undefined {
  const { code } = error as { readonly code?: unknown };
  const status = typeof code === "string" && Object.hasOwn(statusOf, code) ? statusOf[code] : undefined;
  return status === undefined ? undefined : { status, text: messageOf(error) };
}

export const notFound = (what: string): BlockchainError =>
  new BlockchainError("not-found", `${what} is not known here`);
