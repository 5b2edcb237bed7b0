/** The kinds of field that a message's table is made of; TypeScript's types are inferred from the same rows. */
import type { Message } from "./message.ts";

/**
 * `key` is bytes held as a string of one character per byte, which compares as the bytes do; `int` any integer that stays below 2^53; `id` and `uid`
 * 64-bit identifiers, signed and unsigned.
 */
export type Kind = "bytes" | "key" | "text" | "int" | "id" | "uid" | "bool" | "message";

export interface Field<T> {
  readonly number: number;
  readonly kind: Kind;
  readonly isRepeated: boolean;
  /** What an absent field reads as. Repeated ones get an array of their own each time. */
  readonly absent: T;
  /** Called late, so that messages may contain each other. */
  readonly of?: () => Message<unknown>;
}

export const noBytes: Buffer = Buffer.alloc(0);

const scalar =
  <T>(kind: Kind, absent: T) =>
  (number: number): Field<T> => ({ number, kind, isRepeated: false, absent });

const list =
  <T>(kind: Kind) =>
  (number: number): Field<T[]> => ({ number, kind, isRepeated: true, absent: [] });

export const bytes = scalar<Uint8Array>("bytes", noBytes);
export const key = scalar("key", "");
export const text = scalar("text", "");
export const int = scalar("int", 0);
export const id = scalar("id", 0n);
export const uid = scalar("uid", 0n);
export const bool = scalar("bool", false);
export const keys = list<string>("key");
export const texts = list<string>("text");
export const ints = list<number>("int");

/** A message within a message: undefined when absent. */
export const one = <T>(number: number, of: () => Message<T>): Field<T | undefined> => ({
  number,
  kind: "message",
  isRepeated: false,
  absent: undefined,
  of,
});

export const many = <T>(number: number, of: () => Message<T>): Field<T[]> => ({
  number,
  kind: "message",
  isRepeated: true,
  absent: [],
  of,
});
