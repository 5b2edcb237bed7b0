/** Raft: a pure core that decides, and a driver that keeps its log, talks to its peers and applies what is committed. */

export { RaftError, type RaftErrorCode } from "./errors.ts";
export type { Entry, Member, MemberChange, Raft, RaftStatus, StateMachine } from "./types.ts";
