/**
 * Which commands this replica may run now, and what it answers otherwise.
 *
 * | answer                     | meaning                                                             | client                    |
 * |----------------------------|---------------------------------------------------------------------|---------------------------|
 * | `MOVED 0 host:port`        | nothing was done; the primary is there                              | go there                  |
 * | `CLUSTERDOWN`              | nothing was done; there is no primary now                           | try again                 |
 * | `MASTERDOWN`               | nothing was read; this replica is too far behind, no primary known  | try again                 |
 * | `LOADING`                  | nothing was done; the replica is copying the data                   | try again                 |
 * | `NOREPLICAS`               | nothing was written; too few replicas to be safe                    | try again                 |
 * | `TRYAGAIN`                 | nothing was written; too many writes are waiting                    | slow down, try again      |
 * | `MISCONF`                  | nothing was written; the disk is (nearly) full                      | call the operator         |
 * | `UNCERTAIN`                | the write may or may not survive: the primary changed on the way    | read before trying again  |
 */
import { LeaseLogError } from "@coracle/lease-log";
import { KvStoreError, messageOf } from "../errors.ts";
import { ReplyError } from "../reply.ts";
import type { Backend } from "./backend.ts";

const LOADING = new ReplyError("LOADING kvstore is copying the data from the primary; try again in a moment");

/** Why a write can't be taken here now. `frees` is true for what makes room on the disk. */
export function refuseWrite(backend: Backend, frees: boolean): ReplyError | undefined {
  const refusal = backend.log.refusal();
  if (refusal) return failureReply(backend, refusal);
  const full = backend.disk.refusal(frees) ?? backend.store.problem?.message;
  return full === undefined ? undefined : new ReplyError(`MISCONF ${full}`);
}

/** Whether a read can be answered at once, here at the primary: nearly always. */
export const canReadNow = ({ log, store }: Backend): boolean => log.canRead() && !store.isRestoring;

/** Whether reads are answered here: from the primary, or from a replica as configured. Resolves once they may be. */
export async function admitRead(backend: Backend): Promise<ReplyError | undefined> {
  if (backend.store.isRestoring) return LOADING;
  const { role, primary, staleMs } = backend.log.status();
  if (role === "primary") return barrier(backend);
  if (backend.reads === "stale") return undefined;
  if (backend.reads === "bounded" && staleMs <= backend.maxStalenessMs) return undefined;
  if (primary === undefined && backend.reads === "bounded")
    return new ReplyError(
      `MASTERDOWN this replica's data is ${staleText(staleMs)} and there is no primary now; try again`,
    );
  return elsewhere(backend, primary);
}

const staleText = (staleMs: number): string =>
  Number.isFinite(staleMs) ? `${Math.round(staleMs)} ms old` : "of unknown age";

async function barrier(backend: Backend): Promise<ReplyError | undefined> {
  try {
    await backend.log.readBarrier();
    return undefined;
  } catch (error) {
    return failureReply(backend, error);
  }
}

function elsewhere(backend: Backend, primary: string | undefined): ReplyError {
  const address = primary === undefined ? undefined : backend.clientAddress(primary);
  return address === undefined
    ? new ReplyError("CLUSTERDOWN there is no primary now; one is being elected, try again")
    : new ReplyError(`MOVED 0 ${address}`);
}

/** What a client is told when the log refused or lost its command. */
export function failureReply(backend: Backend, error: unknown): ReplyError {
  if (error instanceof KvStoreError && error.code === "disk-full") return new ReplyError(`MISCONF ${error.message}`);
  if (!(error instanceof LeaseLogError)) return new ReplyError(`ERR internal error: ${messageOf(error)}`);
  switch (error.code) {
    case "not-primary":
      return elsewhere(backend, error.primary ?? backend.log.status().primary);
    case "indeterminate":
      return new ReplyError(
        "UNCERTAIN the primary changed before this write was confirmed: it may or may not be stored; read before you retry",
      );
    case "overloaded":
      return new ReplyError("TRYAGAIN too many writes are waiting; nothing was written");
    case "blocked":
      return new ReplyError(`NOREPLICAS Not enough good replicas to write. ${error.message}`);
    case "disk-full":
      return new ReplyError(`MISCONF ${error.message}`);
    case "too-large":
      return new ReplyError(`ERR the command is too large for the log; nothing was written. ${error.message}`);
    case "closed":
      return new ReplyError("CLUSTERDOWN this server is shutting down; try another");
    default:
      return new ReplyError(`MISCONF the log can't be written: ${error.message}`);
  }
}
