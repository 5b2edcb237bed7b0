/**
 * Protocol Buffers out of tables: a message is a row of fields, and its TypeScript type is inferred from them.
 *
 * Made for the write path, where each put is decoded at least twice (at the listener and where the log is applied) and general libraries spend more time
 * than the store itself. Unknown fields are skipped, as the format asks. What is decoded may share memory with the input.
 */
import type { Field } from "./fields.ts";
import { Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

/** What may be encoded: any field may be left out. */
export type Draft<T> = T extends Uint8Array | string | number | bigint | boolean | undefined
  ? T
  : T extends readonly (infer U)[]
    ? readonly Draft<U>[]
    : { readonly [K in keyof T]?: Draft<T[K]> | undefined };

type Shape<T> = { readonly [K in keyof T]-?: Field<T[K]> };

export interface Message<T> {
  readonly name: string;
  /** Throws WhitewaterError `malformed`. */
  decode(input: Uint8Array): T;
  encode(draft: Draft<T>): Buffer;
  /** Rows by field number, for the reader and the writer. */
  readonly rows: readonly (Row | undefined)[];
  readonly ordered: readonly Row[];
  make(): Record<string, unknown>;
}

export interface Row extends Field<unknown> {
  readonly name: string;
}

const writer = new Writer();

/** Declares a message. `name` is its full name in the documented API, which a test holds the table against. */
export function message<T>(name: string, shape: Shape<T>): Message<T> {
  const ordered: Row[] = Object.entries<Field<unknown>>(shape).map(([field, row]) => ({ ...row, name: field }));
  const rows: (Row | undefined)[] = [];
  for (const row of ordered) rows[row.number] = row;
  const absent = Object.fromEntries(ordered.map((row) => [row.name, row.absent]));
  const lists = ordered.filter((row) => row.isRepeated).map((row) => row.name);
  const declared: Message<T> = {
    name,
    rows,
    ordered: ordered.toSorted((a, b) => b.number - a.number),
    make() {
      const made: Record<string, unknown> = { ...absent };
      for (const list of lists) made[list] = [];
      return made;
    },
    decode(input) {
      const reader = new Reader(input);
      return reader.message(declared, reader.end, 0) as T;
    },
    encode(draft) {
      writer.start();
      writer.message(declared, draft as Readonly<Record<string, unknown>>);
      return writer.finish();
    },
  };
  return declared;
}
