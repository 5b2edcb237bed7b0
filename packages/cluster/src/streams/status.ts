/** How a command ended, as the error channel of `v4.channel.k8s.io` says it. */
import { StatusError } from "../machinery/errors.ts";

export interface StreamStatus {
  readonly metadata: Readonly<Record<string, never>>;
  readonly status: "Success" | "Failure";
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: unknown;
}

/** kubectl takes the exit code from the cause. */
export function exitStatus(exitCode: number): StreamStatus {
  if (exitCode === 0) return { metadata: {}, status: "Success" };
  return {
    metadata: {},
    status: "Failure",
    reason: "NonZeroExitCode",
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    details: { causes: [{ reason: "ExitCode", message: String(exitCode) }] },
  };
}

export function failureStatus(error: unknown): StreamStatus {
  if (error instanceof StatusError) return { ...error.toStatus(), metadata: {}, status: "Failure" };
  return { metadata: {}, status: "Failure", reason: "InternalError", code: 500, message: String(error) };
}
