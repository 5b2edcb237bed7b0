/**
 * The three kinds of maps that a PSBT is made of (BIP 174), kept as they came: fields that this program does not know pass through
 * untouched, as the BIP demands of signers.
 */
import type { ByteReader, ByteWriter } from "../../primitives/bytes.ts";
import { WalletError } from "../errors.ts";

export const badPsbt = (why: string, cause?: unknown): WalletError =>
  new WalletError("bad-psbt", `TX decode failed: ${why}`, { cause });

export interface Field {
  /** The type byte and what follows it. */
  readonly key: Buffer;
  readonly value: Buffer;
}

/** Fields by their whole key, written in the order of their types. Immutable. */
export class FieldMap {
  readonly #fields: ReadonlyMap<string, Field>;

  constructor(fields: Iterable<Field> = []) {
    this.#fields = new Map([...fields].map((field) => [field.key.toString("hex"), field]));
  }

  get(type: number, keyData: Buffer = Buffer.alloc(0)): Buffer | undefined {
    return this.#fields.get(keyOf(type, keyData).toString("hex"))?.value;
  }

  /** All fields of a type, with what their keys say besides. */
  all(type: number): readonly { readonly keyData: Buffer; readonly value: Buffer }[] {
    return this.fields()
      .filter(({ key }) => key[0] === type)
      .map(({ key, value }) => ({ keyData: key.subarray(1), value }));
  }

  fields(): readonly Field[] {
    return [...this.#fields.values()].sort((a, b) => Buffer.compare(a.key, b.key));
  }

  with(type: number, value: Buffer, keyData: Buffer = Buffer.alloc(0)): FieldMap {
    return new FieldMap([...this.#fields.values(), { key: keyOf(type, keyData), value }]);
  }

  /** Only the fields that a test keeps. */
  filter(keep: (field: Field) => boolean): FieldMap {
    return new FieldMap([...this.#fields.values()].filter(keep));
  }

  /** The fields of both; where both have one, ours stands. */
  merge(other: FieldMap): FieldMap {
    return new FieldMap([...other.#fields.values(), ...this.#fields.values()]);
  }
}

const keyOf = (type: number, keyData: Buffer): Buffer => Buffer.concat([Buffer.of(type), keyData]);

/** Reads up to the zero that ends a map. Throws `bad-psbt` for a key that comes twice. */
export function readMap(reader: ByteReader): FieldMap {
  const fields = new Map<string, Field>();
  for (let key = reader.varBytes(); key.length > 0; key = reader.varBytes()) {
    const name = key.toString("hex");
    if (fields.has(name)) throw badPsbt("Duplicate Key, a field stands twice in one map");
    fields.set(name, { key: Buffer.from(key), value: Buffer.from(reader.varBytes()) });
  }
  return new FieldMap(fields.values());
}

export function writeMap(writer: ByteWriter, map: FieldMap): void {
  for (const { key, value } of map.fields()) writer.varBytes(key).varBytes(value);
  writer.u8(0);
}
