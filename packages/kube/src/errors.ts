/**
 * What went wrong, by what to do about it:
 * - `not-found`, `already-exists`, `conflict` (read again, then retry), `gone` (list again), `invalid`, `bad-request`, `forbidden`,
 *   `unauthorized`, `too-many-requests`, `server`: the API server's answer, so certainly not applied (but see `server`: a 5xx may have been).
 * - `unreachable`, `timeout`, `aborted`, `protocol`: no usable answer. A write may or may not have been applied: read before anything else.
 * - `config`: no cluster is configured, or its configuration can't be used.
 */
export type KubeErrorCode =
  | "bad-request"
  | "unauthorized"
  | "forbidden"
  | "not-found"
  | "already-exists"
  | "conflict"
  | "gone"
  | "invalid"
  | "too-many-requests"
  | "server"
  | "unreachable"
  | "timeout"
  | "aborted"
  | "protocol"
  | "config";

export interface KubeErrorDetails {
  /** HTTP status of the answer. */
  readonly status?: number;
  /** `reason` of the Kubernetes Status. */
  readonly reason?: string;
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

export class KubeError extends Error {
  override readonly name = "KubeError";
  readonly code: KubeErrorCode;
  readonly status: number | undefined;
  readonly reason: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: KubeErrorCode, message: string, details: KubeErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.code = code;
    this.status = details.status;
    this.reason = details.reason;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }
}

/** Whether `error` is a `KubeError` with one of `codes` (any, when none is given). */
export const isKubeError = (error: unknown, ...codes: KubeErrorCode[]): error is KubeError =>
  error instanceof KubeError && (codes.length === 0 || codes.includes(error.code));

/** The parts of a Kubernetes `Status` that matter here; all untrusted. */
interface StatusBody {
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: { readonly retryAfterSeconds?: number };
}

const codeByReason: Readonly<Record<string, KubeErrorCode>> = {
  AlreadyExists: "already-exists",
  Conflict: "conflict",
  Expired: "gone",
  Gone: "gone",
};

const codeByStatus: Readonly<Record<number, KubeErrorCode>> = {
  400: "bad-request",
  401: "unauthorized",
  403: "forbidden",
  404: "not-found",
  409: "conflict",
  410: "gone",
  422: "invalid",
  429: "too-many-requests",
};

const codeOf = (status: number, reason: string | undefined): KubeErrorCode =>
  (reason !== undefined ? codeByReason[reason] : undefined) ??
  codeByStatus[status] ??
  (status >= 500 ? "server" : "bad-request");

/** The error for an answer with a failing HTTP status, or for an `ERROR` event of a watch (then without `status`). */
export function errorFromStatus(what: string, body: unknown, status?: number, retryAfter?: number): KubeError {
  const parsed: StatusBody = typeof body === "object" && body !== null ? body : {};
  const code = status ?? (typeof parsed.code === "number" ? parsed.code : 500);
  const text = typeof body === "string" ? body.slice(0, 200) : parsed.message;
  const retryAfterSeconds = retryAfter ?? parsed.details?.retryAfterSeconds;
  return new KubeError(codeOf(code, parsed.reason), `${what}: ${text || `HTTP ${code}`}`, {
    status: code,
    ...(parsed.reason !== undefined && { reason: parsed.reason }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}

/** The error for a connection that failed. */
export function errorFromConnection(what: string, cause: unknown): KubeError {
  if (cause instanceof KubeError) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  return new KubeError("unreachable", `${what}: the API server can't be reached: ${text}`, { cause });
}
