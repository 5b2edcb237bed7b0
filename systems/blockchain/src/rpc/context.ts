/** What the rows of the table work on. */
import type { Chain } from "../chain/types.ts";
import type { Mempool } from "../mempool/types.ts";
import type { Miner } from "../miner/types.ts";
import type { Network } from "../p2p/types.ts";
import type { Wallets } from "../wallet/types.ts";
import { type Call, type Method, type ParameterTable, method as row, type ValuesOf } from "./method.ts";

export interface RpcContext {
  readonly chain: Chain;
  readonly mempool: Mempool;
  readonly miner: Miner;
  readonly network: Network;
  readonly wallets: Wallets;
  readonly userAgent: string;
  readonly startedAtMs: number;
  /** Milliseconds since 1970; under `setmocktime` what was set. */
  now(): number;
  /** Seconds since 1970; undefined: the real time again. Undefined where the network does not allow it. */
  readonly setMockTime: ((seconds: number | undefined) => void) | undefined;
  /** Begins to stop the node. */
  stop(): void;
}

export type RpcMethod = Method<RpcContext>;

/** A row of the node's own table. */
export const rpc = <const P extends ParameterTable>(
  name: string,
  category: string,
  help: string,
  parameters: P,
  run: (context: RpcContext, values: ValuesOf<P>, call: Call) => unknown,
): RpcMethod => row<RpcContext, P>(name, category, help, parameters, run);
