/** An address or key that a person typed is wrong; the message says what about it. */
export class AddressError extends Error {
  override readonly name = "AddressError";
  readonly code = "bad-address";
}
