/**
 * A program that we bring ourselves, because images have it and machines may not. It runs inside the container like any other: in the pod's
 * environment, with the network preload, so that it asks cluster DNS and leaves from the pod's address whatever the isolation.
 */
export interface OwnProgram {
  /** Resolves with the exit code; a server's never resolves. Rejects with UsageError for arguments that it does not know. */
  readonly run: (args: readonly string[]) => Promise<number>;
}

/** Wrong arguments. Printed without a stack; exit code 1. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export const say = (line: string): void => void process.stdout.write(`${line}\n`);

export const complain = (line: string): void => void process.stderr.write(`${line}\n`);

/** Variable with the path of this machine's curl, for ours. */
export const realCurl = "CORACLE_REAL_CURL";
