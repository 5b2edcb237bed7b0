/** Raft's failures in etcd's words. */
import { RaftError, type RaftErrorCode } from "@coracle/raft";
import { WhitewaterError } from "../errors.ts";
import { type Refusal, refuse } from "./refusals.ts";

const meanings: Readonly<Partial<Record<RaftErrorCode, Refusal>>> = {
  "no-leader": "no-leader",
  overloaded: "too-many-requests",
  "too-large": "request-too-large",
  removed: "stopped",
  stopped: "stopped",
  indeterminate: "timeout",
  unsafe: "unhealthy",
  busy: "too-many-requests",
  "not-transferred": "timeout",
};

/** What the client is told of whatever was thrown. */
export function failureOf(cause: unknown): WhitewaterError {
  if (cause instanceof WhitewaterError) return cause;
  if (cause instanceof RaftError) return refuse(meanings[cause.code] ?? "unhealthy", { cause });
  if (cause instanceof Error && cause.name === "AbortError") return refuse("canceled", { cause });
  return refuse("unhealthy", { cause });
}
