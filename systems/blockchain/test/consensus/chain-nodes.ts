import type { ChainNode } from "../../src/consensus/difficulty.ts";
import type { Network } from "../../src/consensus/params.ts";

export const genesisNode = ({ genesis }: Network): ChainNode => ({
  height: 0,
  time: genesis.header.time,
  bits: genesis.header.bits,
  parent: undefined,
});

export const childOf = (parent: ChainNode, time: number, bits = parent.bits): ChainNode => ({
  height: parent.height + 1,
  time,
  bits,
  parent,
});

/** Ancestors of the given times on top of genesis. */
export const nodesAt = (network: Network, ...times: readonly number[]): ChainNode =>
  times.reduce((parent, time) => childOf(parent, time), genesisNode(network));
