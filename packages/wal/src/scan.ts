/** Recovery of one segment: where each record starts, and whether what stands behind the last good one may be cut. */
import { readHeader, recordHeaderBytes, verifyRecord } from "./record.ts";

/** An offset is remembered about every so many bytes; reads scan forward from there. */
export const markEveryBytes = 16_384;

/** Where record `index` starts in its segment. */
export interface Mark {
  readonly index: number;
  readonly offset: number;
}

export interface Scan {
  /** Index after the last good record. */
  readonly nextIndex: number;
  /** Offset after the last good record. */
  readonly end: number;
  readonly marks: Mark[];
  /**
   * `clean`: nothing but zeros follows. `torn`: nothing shows that what follows had been acknowledged. `corrupt`: an acknowledged record is
   * unreadable. Damage to the very last batch looks like a torn write: no later record vouches for it.
   */
  readonly tail: "clean" | "torn" | "corrupt";
}

/** Reads the records of a segment that starts with `firstIndex` at `start`. */
export function scanSegment(buffer: Buffer, start: number, firstIndex: number): Scan {
  const marks: Mark[] = [];
  let offset = start;
  let index = firstIndex;
  for (let header = verifyRecord(buffer, offset, index); header; header = verifyRecord(buffer, offset, index)) {
    if (offset - (marks.at(-1)?.offset ?? -markEveryBytes) >= markEveryBytes) marks.push({ index, offset });
    offset += recordHeaderBytes + header.length;
    index += 1;
  }
  return { nextIndex: index, end: offset, marks, tail: judgeTail(buffer, offset, index) };
}

function judgeTail(buffer: Buffer, offset: number, lost: number): Scan["tail"] {
  if (isZero(buffer.subarray(offset))) return "clean";
  return acknowledgedLater(buffer, offset + 1, lost) ? "corrupt" : "torn";
}

/** Whether it is all zeros: room that was made ahead of the records. */
const isZero = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0);

/** Whether some readable record behind `offset` says that record `lost` had been durable before it was written. */
function acknowledgedLater(buffer: Buffer, from: number, lost: number): boolean {
  // A record's own header bounds its index, which makes the test at each byte cheap; the checksum is computed for plausible ones only.
  const highest = lost + Math.ceil((buffer.length - from) / recordHeaderBytes) + 1;
  for (let offset = from; offset + recordHeaderBytes <= buffer.length; offset++) {
    const header = readHeader(buffer, offset);
    if (!header || header.index <= lost || header.index > highest) continue;
    if (header.index - header.undurable > lost && verifyRecord(buffer, offset, header.index)) return true;
  }
  return false;
}
