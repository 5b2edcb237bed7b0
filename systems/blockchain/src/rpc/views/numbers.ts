/** Numbers as JSON-RPC shows them. */
import { targetOf } from "../../consensus/target.ts";

const SATOSHIS = 1e8;

/** Coins from satoshis. */
export const coins = (satoshis: number): number => satoshis / SATOSHIS;

export const bitsText = (bits: number): string => bits.toString(16).padStart(8, "0");

export const workText = (work: bigint): string => work.toString(16).padStart(64, "0");

/** The 256-bit target of compact bits, in hexadecimal. */
export const targetText = (bits: number): string => (targetOf(bits) ?? 0n).toString(16).padStart(64, "0");

export const versionText = (version: number): string => (version >>> 0).toString(16).padStart(8, "0");
