/** All rules of consensus in one hand, for who keeps a chain. */
import type { Block, BlockHeader } from "../primitives/block.ts";
import { blockFailure } from "../script/error-text.ts";
import { consensusFlags } from "../script/flags.ts";
import { checkBlock, checkBlockOn } from "./block-checks.ts";
import type { ChainNode } from "./difficulty.ts";
import { checkHeader } from "./header-checks.ts";
import type { Network } from "./params.ts";
import { type Rejection, rejection } from "./rejection.ts";
import { checkBlockSpends, type SpentCoin } from "./spend-checks.ts";
import { invalidScriptText, type Verifier } from "./verifier.ts";

export interface ConsensusRules {
  /** Proof of work, target, time and version of a header on `parent`. */
  checkHeader(header: BlockHeader, parent: ChainNode, nowSeconds: number): Rejection | undefined;
  /** Everything about a block that needs no coins; its header is checked by `checkHeader`. */
  checkBlock(block: Block, parent: ChainNode): Rejection | undefined;
  /**
   * Amounts, maturity, relative locks, signature operations, subsidy and scripts. `spent` has the outputs that each transaction spends in
   * the order of its inputs, none for the coinbase.
   */
  checkInputs(
    block: Block,
    parent: ChainNode,
    spent: readonly (readonly SpentCoin[])[],
  ): Promise<Rejection | undefined>;
}

/** The caller closes the verifier. */
export const consensusRules = (network: Network, verifier: Verifier): ConsensusRules => ({
  checkHeader: (header, parent, nowSeconds) => checkHeader(network, header, parent, nowSeconds),
  checkBlock: (block, parent) => checkBlock(block) ?? checkBlockOn(block, parent),
  checkInputs: async (block, parent, spent) =>
    checkBlockSpends(network, block, parent, spent) ?? (await checkScripts(verifier, block, spent)),
});

async function checkScripts(
  verifier: Verifier,
  block: Block,
  spent: readonly (readonly SpentCoin[])[],
): Promise<Rejection | undefined> {
  const transactions = block.transactions.map((tx, i) => ({ tx, spent: spent[i] ?? [] })).slice(1);
  const invalid = await verifier.verify(transactions, { flags: consensusFlags });
  if (invalid === undefined) return undefined;
  return rejection(blockFailure(invalid.error), invalidScriptText(invalid));
}
