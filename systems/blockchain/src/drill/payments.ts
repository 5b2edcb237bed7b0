/** Small payments while a drill goes on, from whichever node has coins that may be spent. */
import { type DrillNode, isAnswer } from "./nodes.ts";

const AMOUNT = 0.0001;
/** Kept small: each call is a process in a pod, and the faults are what is drilled. */
const MOST_PAYMENTS = 50;

interface Balances {
  readonly mine: { readonly trusted: number };
}

export class Payments {
  readonly txids: string[] = [];
  #refusal = "no coin is old enough to be spent";

  /** Why there were none; undefined if there were. */
  get missing(): string | undefined {
    return this.txids.length > 0 ? undefined : this.#refusal;
  }

  /** One payment from a node to an address of another, if some node has the money. */
  async pay(nodes: readonly DrillNode[]): Promise<void> {
    if (this.txids.length >= MOST_PAYMENTS) return;
    for (const node of nodes) {
      const balances = await node.ask<Balances>("getbalances");
      if (!isAnswer(balances) || balances.mine.trusted <= 2 * AMOUNT) continue;
      const address = await addressOf([...nodes.filter((other) => other !== node), node]);
      if (address === undefined) continue;
      const txid = await node.ask<string>("sendtoaddress", address, AMOUNT);
      if (isAnswer(txid)) this.txids.push(txid);
      else this.#refusal = txid.message;
      return;
    }
  }
}

/** A fresh address of the first node that has a wallet: webservers make theirs when somebody needs it. */
async function addressOf(nodes: readonly DrillNode[]): Promise<string | undefined> {
  for (const node of nodes) {
    const address = await node.ask<string>("getnewaddress", "drill");
    if (isAnswer(address)) return address;
  }
  return undefined;
}
