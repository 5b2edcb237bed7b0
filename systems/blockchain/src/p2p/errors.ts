/** What goes wrong between peers. */
import { BlockchainError } from "../errors.ts";

export type P2pErrorCode =
  /** The bytes are no message: the connection ends and the sender is banned. */
  | "malformed"
  /** Well-formed, but against the rules of the protocol. */
  | "misbehaving"
  /** The other side speaks for another network, is this node itself, or is too old. */
  | "unsuitable"
  | "timeout"
  | "connection";

export class P2pError extends BlockchainError {
  declare readonly code: P2pErrorCode;

  constructor(code: P2pErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}
