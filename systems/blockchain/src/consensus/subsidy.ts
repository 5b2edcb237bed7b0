import { coin } from "./limits.ts";
import type { Network } from "./params.ts";

/** What a block of this height may create beyond its fees, in satoshis: 50 coins, halved every so many blocks. */
export function blockSubsidy({ halvingInterval }: Network, height: number): number {
  const halvings = Math.floor(height / halvingInterval);
  // 50 coins are less than 2^33 satoshis: nothing is left after that many halvings, and the shift would begin anew after 64.
  return halvings >= 33 ? 0 : Math.floor((50 * coin) / 2 ** halvings);
}
