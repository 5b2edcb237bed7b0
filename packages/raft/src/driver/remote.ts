/** Errors between members: the code travels in front of the message. */
import { WireError } from "@coracle/wire";
import { RaftError, type RaftErrorCode } from "../errors.ts";

const CODES: ReadonlySet<string> = new Set<RaftErrorCode>([
  "busy",
  "no-leader",
  "overloaded",
  "disk-full",
  "too-large",
  "unsafe",
  "not-transferred",
  "removed",
  "stopped",
  "indeterminate",
  "invalid",
  "failed",
]);

/** What a handler rejects with, so that the caller gets the same RaftError. */
export const toRemote = (error: unknown): WireError =>
  error instanceof RaftError
    ? new WireError("remote", `${error.code}: ${error.message}`)
    : new WireError("remote", error instanceof Error ? error.message : String(error));

/** `lost` is the code for when the connection failed, so that nobody knows what the other side did. */
export function fromRemote(error: unknown, lost: RaftErrorCode): RaftError {
  if (error instanceof RaftError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const [, code = "", text = ""] = /^([a-z-]+): (.*)$/s.exec(message) ?? [];
  if (error instanceof WireError && error.code === "remote" && CODES.has(code))
    return new RaftError(code as RaftErrorCode, text);
  return new RaftError(lost, message, { cause: error });
}
