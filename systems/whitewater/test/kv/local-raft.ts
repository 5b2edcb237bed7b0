/** Raft's double for what is not about Raft: applies at once, and can be told to refuse. */
import type { RaftStatus } from "@coracle/raft";
import type { KvOptions } from "../../src/kv/kv.ts";
import { createStore } from "../../src/store/store.ts";

const id = "00000000000000a1";

export function localRaft(store = createStore()) {
  let index = 0;
  const status: { role: RaftStatus["role"]; leader: string | undefined } = { role: "leader", leader: id };
  const proposed: Uint8Array[] = [];
  const raft: KvOptions["raft"] = {
    async propose(command) {
      proposed.push(command);
      return (await store.apply([{ index: ++index, term: 1, command }]))[0];
    },
    async readBarrier() {},
    status: () => ({
      id,
      clusterId: "00000000000000c1",
      term: 1,
      firstIndex: 1,
      lastIndex: index,
      commitIndex: index,
      appliedIndex: index,
      members: [],
      committed: { members: [], removed: [] },
      progress: [],
      logBytes: 0,
      snapshotIndex: 0,
      ...status,
    }),
  };
  return { raft, store, status, proposed };
}
