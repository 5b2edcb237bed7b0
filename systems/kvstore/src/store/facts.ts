/** What the store keeps about itself beside the data: the last entry applied, its time, and whether a restore is under way. */
import type { Position } from "@coracle/lease-log";
import { corrupt } from "./datafile.ts";
import type { ReadableTable, Tree } from "./tree.ts";

type Facts = Tree["facts"];

const APPLIED = Buffer.from("applied");
const TIME = Buffer.from("time");
const RESTORING = Buffer.from("restoring");

/** How rows are stored; part of the position, so that no data is without it. */
const FORMAT = 2;
const POSITION_BYTES = 13;

/** Throws `damaged` when the data was written in another format. */
export function readPosition(facts: ReadableTable, dir: string): Position {
  const bytes = facts.getBinary(APPLIED);
  if (!bytes) return { epoch: 0, index: 0 };
  if (bytes.length !== POSITION_BYTES || bytes[12] !== FORMAT)
    throw corrupt(dir, `it was written by another version of kvstore (this one reads format ${FORMAT})`);
  return { epoch: bytes.readUIntBE(0, 6), index: bytes.readUIntBE(6, 6) };
}

export function writePosition(facts: Facts, { epoch, index }: Position): void {
  const bytes = Buffer.allocUnsafe(POSITION_BYTES);
  bytes.writeUIntBE(epoch, 0, 6);
  bytes.writeUIntBE(index, 6, 6);
  bytes[12] = FORMAT;
  facts.putSync(APPLIED, bytes);
}

export const readTime = (facts: ReadableTable): number => facts.getBinary(TIME)?.readUIntBE(0, 6) ?? 0;

export function writeTime(facts: Facts, timeMs: number): void {
  const bytes = Buffer.allocUnsafe(6);
  bytes.writeUIntBE(timeMs, 0, 6);
  facts.putSync(TIME, bytes);
}

export const isRestoring = (facts: ReadableTable): boolean => facts.getBinary(RESTORING) !== undefined;

export const markRestoring = (facts: Facts): void => facts.putSync(RESTORING, Buffer.from("1"));

export const unmarkRestoring = (facts: Facts): void => void facts.removeSync(RESTORING);
