/** Headers that cannot be read: the connection's state is lost, so that it must end. */
export class HpackError extends Error {
  override readonly name = "HpackError";
}
