/**
 * A member in a process of its own whose Lease is kept by the parent process: all of a pod but Kubernetes. For tests that kill members
 * and for benchmarks; `ProcessGroup` starts it. Arguments: id, Lease duration in ms, then the flags of `kvstore server`.
 */
import { createElection, createLogger, type LeaseAccess, loadConfig, runPod } from "@coracle/pod";
import { KvStoreError } from "../errors.ts";
import { type Replica, startReplica } from "../node/replica.ts";
import { SETTINGS } from "../node/settings.ts";
import type { LeaseObject } from "./lease.ts";
import type { FromMember, PeerAddress, ToMember } from "./messages.ts";

const HOST = "127.0.0.1";

class Parent {
  readonly #calls = new Map<number, (answer: LeaseObject | "conflict" | undefined) => void>();
  readonly #listeners = new Set<() => void>();
  #nextCall = 1;
  #peers: readonly PeerAddress[] = [];

  constructor() {
    process.on("message", (message: ToMember) => this.#take(message));
    // A parent that is gone can't keep the Lease any more.
    process.on("disconnect", () => process.exit(0));
  }

  tell(message: FromMember): void {
    process.send?.(message);
  }

  lease(name: string): LeaseAccess {
    return {
      name,
      read: async () => (await this.#ask({ verb: "read" })) as LeaseObject | undefined,
      create: async (lease) => (await this.#ask({ verb: "create", lease })) as LeaseObject | "conflict",
      replace: async (lease) => (await this.#ask({ verb: "replace", lease })) as LeaseObject | "conflict",
    };
  }

  readonly directory = {
    peers: () => this.#peers,
    subscribe: (listener: () => void) => {
      this.#listeners.add(listener);
      return () => this.#listeners.delete(listener);
    },
  };

  #take(message: ToMember): void {
    if (message.type === "lease") {
      this.#calls.get(message.call)?.(message.answer);
      this.#calls.delete(message.call);
      return;
    }
    this.#peers = message.peers;
    for (const listener of this.#listeners) listener();
  }

  #ask(
    question: { readonly verb: "read" } | { readonly verb: "create" | "replace"; readonly lease: LeaseObject },
  ): Promise<LeaseObject | "conflict" | undefined> {
    const call = this.#nextCall++;
    return new Promise((resolve) => {
      this.#calls.set(call, resolve);
      this.tell({ type: "lease", call, ...question });
    });
  }
}

async function run([id, leaseMs, ...flags]: readonly string[]): Promise<void> {
  if (id === undefined || leaseMs === undefined || process.send === undefined)
    throw new KvStoreError("bad-config", "This program is started by tests and benchmarks, not by hand.");
  const parent = new Parent();
  const settings = loadConfig(SETTINGS, { argv: flags, env: {} });
  const logger = createLogger({ fields: { pod: id } });
  let replica: Replica | undefined;
  const election = createElection({
    access: parent.lease(settings.leaseName),
    identity: { name: id, incarnation: `${id}-${process.pid}` },
    timing: { leaseDurationMs: Number(leaseMs) },
    candidacy: (record) => replica?.log.candidacy(record) ?? { abstain: "still starting" },
    logger,
  });
  const started = await startReplica({
    id,
    settings,
    host: HOST,
    arbiter: election,
    peers: parent.directory,
    logger,
    clientAddress: (other) => addressOf(parent.directory.peers(), other),
  });
  replica = started;
  parent.tell({ type: "listening", port: started.server.port, replicationPort: started.replicationPort });
  await runPod({
    logger,
    drainMs: 0,
    phases: [
      { name: "election", start: () => election.start(), stop: () => election.stop() },
      { name: "replica", stop: () => started.stop() },
    ],
  });
}

function addressOf(peers: readonly PeerAddress[], id: string): string | undefined {
  const peer = peers.find((candidate) => candidate.id === id);
  return peer && `${peer.host}:${peer.clientPort}`;
}

await run(process.argv.slice(2));
