/** All methods of the node. */
import type { RpcMethod } from "./context.ts";
import { blockchainMethods } from "./methods/blockchain.ts";
import { controlMethods } from "./methods/control.ts";
import { makingMethods } from "./methods/making.ts";
import { mempoolMethods } from "./methods/mempool.ts";
import { miningMethods } from "./methods/mining.ts";
import { networkMethods } from "./methods/network.ts";
import { transactionMethods } from "./methods/transactions.ts";

/** `more` are the rows of other parts, such as the wallet's. */
export function rpcMethods(more: readonly RpcMethod[] = []): readonly RpcMethod[] {
  const all: RpcMethod[] = [
    ...blockchainMethods,
    ...transactionMethods,
    ...makingMethods,
    ...mempoolMethods,
    ...miningMethods,
    ...networkMethods,
    ...more,
  ];
  all.push(...controlMethods(() => all));
  return all;
}
