/**
 * What went wrong, and what to do: `config` (correct the setting that the message names), `not-leader` (the term is over: ask who leads; a
 * write that was under way may or may not have been applied), `stopped` (it was used after `stop`), `deadline` (a phase took too long),
 * `task` (a supervised task ended; restart the pod), `listen` (free the port or choose another), `source` (a discovery source can't be read: it is retried).
 */
export type PodErrorCode = "config" | "not-leader" | "stopped" | "deadline" | "task" | "listen" | "source";

export class PodError extends Error {
  override readonly name: string = "PodError";
  readonly code: PodErrorCode;

  constructor(code: PodErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Codes `not-leader`, `config`, `stopped`, `deadline`. */
export class ElectionError extends PodError {
  override readonly name = "ElectionError";
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
