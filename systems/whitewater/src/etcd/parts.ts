/**
 * A message with a long list, in parts that are sent one behind the other: Protocol Buffers take the parts' lists for one. So it needs neither one turn of
 * the event loop to be encoded nor one piece of memory to be kept in.
 */
import type { KeyValue } from "../proto/kv.ts";
import type { Draft, Message } from "../proto/message.ts";
import { bytesPerKey, type Steps, stepKeys } from "../store/steps.ts";

export type Parts = readonly [Buffer, ...Buffer[]];

/** `head`: the message without its list. */
export function* encodeParts<T, R>(
  type: Message<T>,
  head: Draft<T>,
  list: keyof T,
  rows: readonly R[],
  sizeOf: (row: R) => number,
): Steps<Parts> {
  const encode = (from: number, to: number, rest?: Draft<T>): Buffer =>
    type.encode({ ...(rest as object), [list]: rows.slice(from, to) } as Draft<T>);
  const parts: Buffer[] = [];
  let [begun, work] = [0, 0];
  for (const [at, row] of rows.entries()) {
    work += 1 + sizeOf(row) / bytesPerKey;
    if (work < stepKeys) continue;
    parts.push(encode(begun, at + 1));
    yield work;
    [begun, work] = [at + 1, 0];
  }
  // What is not in the list may stand anywhere in a message; most often this is all there is.
  return [...parts, encode(begun, rows.length, head)] as unknown as Parts;
}

export const sizeOfKeyValue = ({ key, value }: KeyValue): number => key.length + value.length;
