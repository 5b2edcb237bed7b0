import type { RaftStatus } from "@coracle/raft";
import { Metadata } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { serveEtcd } from "../../src/etcd/serve.ts";
import { createKv } from "../../src/kv/kv.ts";
import { localRaft } from "../kv/local-raft.ts";
import { RawClient } from "./testing.ts";

describe("a stream that asks for a leader", () => {
  it("ends when there is none, and one that does not ask goes on", async () => {
    const local = localRaft();
    const kv = createKv(local);
    const listeners = new Set<(status: RaftStatus) => void>();
    const raft = {
      ...local.raft,
      subscribe(listener: (status: RaftStatus) => void) {
        listeners.add(listener);
        listener(local.raft.status());
        return () => listeners.delete(listener);
      },
      async changeMembers() {},
      async transferLeadership() {},
    };
    const server = await serveEtcd({ kv, raft, host: "127.0.0.1", port: 0, leaderlessMs: 1 });
    const client = new RawClient(server.port);
    const metadata = new Metadata();
    metadata.set("hasleader", "true");
    const open = async (stream: ReturnType<RawClient["stream"]>) => {
      stream.write({ createRequest: { key: Buffer.from("a") } });
      await new Promise((resolve) => stream.once("data", resolve));
      stream.resume();
      return stream;
    };
    const silent = await open(client.stream("Watch/Watch"));
    const asking = await open(client.stream("Watch/Watch", metadata));
    expect(kv.status().watchers).toBe(2);
    const failure = new Promise((resolve) => asking.once("error", resolve));
    local.status.leader = undefined;
    for (const listener of listeners) listener(local.raft.status());
    expect(await failure).toMatchObject({ code: 14, details: "etcdserver: no leader" });
    expect(kv.status().watchers).toBe(1);
    silent.cancel();
    client.close();
    await server.stop(100);
    kv.stop();
  });
});
