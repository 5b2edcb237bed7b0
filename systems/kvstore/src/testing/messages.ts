/** What a member in a child process and its parent tell each other over Node's channel. */
import type { LeaseObject } from "./lease.ts";

export interface PeerAddress {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  readonly clientPort: number;
}

export type FromMember =
  | { readonly type: "listening"; readonly port: number; readonly replicationPort: number }
  | { readonly type: "lease"; readonly call: number; readonly verb: "read" }
  | {
      readonly type: "lease";
      readonly call: number;
      readonly verb: "create" | "replace";
      readonly lease: LeaseObject;
    };

export type ToMember =
  | { readonly type: "peers"; readonly peers: readonly PeerAddress[] }
  | { readonly type: "lease"; readonly call: number; readonly answer: LeaseObject | "conflict" | undefined };
