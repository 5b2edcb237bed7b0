/** How one message is written. */
import type { ByteReader, ByteWriter } from "../../primitives/bytes.ts";

export interface Codec<M> {
  /** The longest payload that is read. */
  readonly maxBytes: number;
  /** May leave bytes: later versions of the protocol append fields. */
  read(reader: ByteReader): M;
  write(writer: ByteWriter, message: M): void;
}
