/** The limits that are the same on every network. */
export const coin = 100_000_000;
/** 21 million coins in satoshis: no amount and no sum of amounts may be above. */
export const maxMoney: number = 21_000_000 * coin;
export const maxBlockWeight = 4_000_000;
export const maxBlockSigOpCost = 80_000;
export const witnessScaleFactor = 4;

export const isMoney = (value: number): boolean => value >= 0 && value <= maxMoney;
