export type NetworkErrorCode =
  /** The arguments do not describe a network, such as a second octet outside 1-254. */
  | "InvalidNetwork"
  /** Every 127.<net>.0.0/16 is claimed, or this machine has no spare loopback addresses. */
  | "NoNetworkFree"
  /** A server of the cluster could not listen on its own address. */
  | "CannotListen"
  /** The proxy's worker thread ended by itself. */
  | "WorkerEnded"
  /** This Node.js release has other internals than those the pod preload hooks into. */
  | "UnsupportedRuntime";

/** What goes wrong below the API: addresses, listeners, the data path. The message says what to do. */
export class NetworkError extends Error {
  override readonly name = "NetworkError";
  readonly code: NetworkErrorCode;

  constructor(code: NetworkErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** An error as Node.js itself reports it from the system, for programs that tell such errors by `code`. Its `name` stays `Error`. */
export class SystemError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;
  readonly hostname?: string;

  constructor(syscall: string, code: string, errno: number, hostname?: string, cause?: unknown) {
    super([syscall, code, hostname].filter(Boolean).join(" "), cause === undefined ? undefined : { cause });
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
    if (hostname !== undefined) this.hostname = hostname;
  }
}

/** The `code` of a system error (`EADDRINUSE`), or `""`. */
export const systemCode = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
