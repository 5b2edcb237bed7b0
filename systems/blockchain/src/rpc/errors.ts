/** Errors of JSON-RPC, with Bitcoin Core's numbers. */
import { BlockchainError, messageOf } from "../errors.ts";

export const RPC_CODES = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  misc: -1,
  type: -3,
  walletError: -4,
  invalidAddressOrKey: -5,
  walletInsufficientFunds: -6,
  outOfMemory: -7,
  invalidParameter: -8,
  clientNotConnected: -9,
  clientInInitialDownload: -10,
  walletInvalidLabel: -11,
  walletKeypoolRanOut: -12,
  walletUnlockNeeded: -13,
  walletPassphraseIncorrect: -14,
  walletWrongEncryptionState: -15,
  walletEncryptionFailed: -16,
  walletAlreadyUnlocked: -17,
  walletNotFound: -18,
  walletNotSpecified: -19,
  database: -20,
  deserialization: -22,
  nodeAlreadyAdded: -23,
  nodeNotAdded: -24,
  verify: -25,
  verifyRejected: -26,
  alreadyInUtxoSet: -27,
  inWarmup: -28,
  nodeNotConnected: -29,
  invalidIpOrSubnet: -30,
  p2pDisabled: -31,
  walletAlreadyLoaded: -35,
} as const;

export type RpcCode = keyof typeof RPC_CODES;

export class RpcError extends BlockchainError {
  readonly rpcCode: number;

  constructor(code: RpcCode, message: string, options?: ErrorOptions) {
    super(`rpc-${code}`, message, options);
    this.rpcCode = RPC_CODES[code];
  }

  /** The error that a node answered with. */
  static of(rpcCode: number, message: string): RpcError {
    const [name = "misc"] = Object.entries(RPC_CODES).find(([, code]) => code === rpcCode) ?? [];
    return new RpcError(name as RpcCode, message);
  }
}

/** What a client sees of anything thrown. */
export function errorBody(error: unknown): { readonly code: number; readonly message: string } {
  if (error instanceof RpcError) return { code: error.rpcCode, message: error.message };
  if (error instanceof BlockchainError) return { code: RPC_CODES.misc, message: error.message };
  return { code: RPC_CODES.misc, message: messageOf(error) };
}
