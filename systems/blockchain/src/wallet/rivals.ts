/**
 * What on the chain spends the inputs of others in our unconfirmed transactions. The history of our own scripts tells of everything that
 * spends from us; of a transaction with inputs of several people (a PSBT, say) it does not tell that another's input was spent otherwise
 * while this node was off.
 */
import { outPointKey, type Transaction } from "../primitives/transaction.ts";
import type { Placed, WalletChain } from "./ports.ts";

/** Of one script: a busy one is no reason to read all of the chain. */
const MOST_LOOKED_AT = 10_000;

export async function rivalsOf(
  chain: WalletChain,
  isOurs: (script: Buffer) => boolean,
  transactions: readonly Transaction[],
): Promise<Placed[]> {
  const rivals: Placed[] = [];
  for (const { prevout } of transactions.flatMap(({ inputs }) => inputs)) {
    const parent = await chain.transaction(prevout.hash);
    const script = parent?.outputs[prevout.index]?.script;
    const spender = script && !isOurs(script) ? await spenderOf(chain, script, outPointKey(prevout)) : undefined;
    if (spender) rivals.push(spender);
  }
  return rivals;
}

async function spenderOf(chain: WalletChain, script: Buffer, outpoint: string): Promise<Placed | undefined> {
  let count = 0;
  for await (const placed of chain.historyOf(script, 0)) {
    if (placed.transaction.inputs.some(({ prevout }) => outPointKey(prevout) === outpoint)) return placed;
    if (++count === MOST_LOOKED_AT) return undefined;
  }
  return undefined;
}
