import { StatusError } from "../machinery/errors.ts";

/** Why a container can't be started, in the words that Kubernetes puts into `state.waiting.reason` or an event's reason. */
export type ContainerFault =
  | "CreateContainerConfigError"
  | "CreateContainerError"
  | "ErrImagePull"
  | "ErrImageNeverPull"
  | "InvalidImageName"
  | "PostStartHookError"
  | "RunContainerError"
  | "FailedMount";

/** An operating error of one container or volume. The pod worker shows it in the pod's status, tells it as an event, and tries again later. */
export class ContainerError extends Error {
  override readonly name = "ContainerError";
  readonly reason: ContainerFault;

  constructor(reason: ContainerFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** A stream was asked for into a container that does not run. The kubelet answers it in plain text, not with a Status. */
export class ContainerNotRunningError extends Error {
  override readonly name = "ContainerNotRunningError";

  constructor(container: string) {
    super(`container not found (${JSON.stringify(container)})`);
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Whether a system call failed with that code, such as `ENOENT`. */
export const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && (error as NodeJS.ErrnoException).code === code;

export const podNotFound = (name: string): StatusError => new StatusError("NotFound", `pods "${name}" not found`);
