/** What tells one network's addresses and keys from another's; `Network` of consensus/params.ts is one. */
export interface AddressPrefixes {
  /** Human-readable part of segwit addresses, such as `bcrt`. */
  readonly bech32Hrp: string;
  /** Version bytes of P2PKH and P2SH addresses and of private keys in WIF. */
  readonly base58: { readonly pubKeyHash: number; readonly scriptHash: number; readonly secretKey: number };
}
