/** The reasons of a Kubernetes `Status`, each with its HTTP code. */
const codes = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
} as const;

export type StatusReason = keyof typeof codes;

export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** A refusal as Kubernetes words it; `toStatus` is the body that kubectl prints. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly reason: StatusReason;
  readonly code: number;
  readonly details: StatusDetails | undefined;

  constructor(reason: StatusReason, message: string, details?: StatusDetails, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
    this.code = codes[reason];
    this.details = details;
  }

  toStatus() {
    const { reason, code, message, details } = this;
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message,
      reason,
      ...(details && { details }),
      code,
    };
  }
}

/** Whether `error` is a `StatusError` of that reason. */
export const isStatus = (error: unknown, reason: StatusReason): error is StatusError =>
  error instanceof StatusError && error.reason === reason;

/** A write into a namespace that is being deleted. */
export const isNamespaceTerminating = (error: unknown): boolean =>
  isStatus(error, "Forbidden") &&
  (error.details?.causes?.some(({ reason }) => reason === "NamespaceTerminating") ?? false);

/** A field whose text is not of its type, such as a quantity or a time. Whoever knows the kind turns it into a BadRequest. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
}

/** A refusal in the words of somebody outside, who may give any code and any reason, or none. */
export class ForeignStatusError extends StatusError {
  override readonly code: number;
  readonly #reason: string;
  readonly #details: unknown;

  constructor(status: { code: number; reason: string; message: string; details?: unknown }) {
    super("Forbidden", status.message);
    this.code = status.code;
    this.#reason = status.reason;
    this.#details = status.details;
  }

  override toStatus(): ReturnType<StatusError["toStatus"]> {
    const { details: _, ...status } = super.toStatus();
    const foreign = {
      reason: this.#reason,
      code: this.code,
      ...(this.#details !== undefined && { details: this.#details }),
    };
    return { ...status, ...foreign } as ReturnType<StatusError["toStatus"]>;
  }
}
