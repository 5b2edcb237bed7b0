/**
 * Raft: a pure core that decides, and a driver that keeps its log, talks to its peers and applies what is committed.
 *
 * ```ts
 * const raft = await openRaft({ id, clusterId, dir, stateMachine, bootstrap: members, listen: { host: "0.0.0.0", port: 7000 } });
 * await raft.start();
 * const result = await raft.propose(command); // once applied here, whoever leads
 * await raft.readBarrier(); // a read of the state made now is linearizable
 * ```
 */

export type { OpenRaft } from "./driver/driver.ts";
export { RaftError, type RaftErrorCode } from "./errors.ts";
export { openRaft } from "./open.ts";
export type { LogSink, RaftLimits, RaftMetrics, RaftOptions, RaftTiming } from "./options.ts";
export type { Entry, Member, MemberChange, Raft, RaftStatus, StateMachine } from "./types.ts";
