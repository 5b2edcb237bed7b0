/**
 * The state as a stream of frames: magic, then length-prefixed messages - one of totals, leases, alarms, every revision that is not dead in the order
 * in which it happened - and an end that counts and sums them up. Copying goes on beside writes: revisions never change, and those made meanwhile are
 * beyond the copied revision.
 */
import { crc32 } from "node:zlib";
import { WhitewaterError } from "../errors.ts";
import { bool, bytes, id, int, key, many, one } from "../proto/fields.ts";
import { alarmMember } from "../proto/maintenance.ts";
import { message } from "../proto/message.ts";
import type { Block } from "./history.ts";
import { alarmKey, emptyState, type State } from "./state.ts";

const magic = Buffer.from("WHITEWATER-1\n");
const chunkBytes = 256 * 1024;
/** Larger than any frame that was ever written: a request's limit is far below. */
const largestFrame = 512 * 1024 * 1024;
const keysPerFrame = 64;

const leaseRow = message("whitewater.Lease", { id: id(1), ttl: int(2), renewals: int(3) });
const versionRow = message("whitewater.Version", {
  key: key(1),
  createRevision: int(2),
  modRevision: int(3),
  version: int(4),
  value: bytes(5),
  lease: id(6),
  sub: int(7),
});
const totals = message("whitewater.Totals", {
  revision: int(1),
  compactRevision: int(2),
  index: int(3),
  hasBeenCompacted: bool(4),
});
const end = message("whitewater.End", { frames: int(1), sum: int(2) });
const frame = message("whitewater.Frame", {
  totals: one(1, () => totals),
  leases: many(2, () => leaseRow),
  alarms: many(3, () => alarmMember),
  versions: many(4, () => versionRow),
  end: one(5, () => end),
});

/** What a copy needs, taken at once. */
interface Captured {
  readonly revision: number;
  readonly compactRevision: number;
  readonly leases: readonly { readonly id: bigint; readonly ttl: number; readonly renewals: number }[];
  readonly alarms: readonly { readonly memberId: bigint; readonly alarm: number }[];
  readonly blocks: readonly Block[];
}

export function capture({ keys, leases, alarms }: State): Captured {
  return {
    revision: keys.revision,
    compactRevision: keys.compactRevision,
    leases: [...leases.all()].map(({ id, ttl, renewals }) => ({ id, ttl, renewals })),
    alarms: [...alarms.values()],
    blocks: keys.history.capture(),
  };
}

/** In chunks of about 256 KiB, more only where a single value is larger. */
export async function* write(index: number, captured: Captured): AsyncGenerator<Uint8Array, void, void> {
  let parts: Buffer[] = [magic];
  let size = magic.length;
  let frames = 0;
  let sum = 0;
  for (const content of contents(index, captured)) {
    sum = crc32(content, sum);
    frames++;
    parts.push(lengthOf(content), content);
    size += content.length + 4;
    if (size < chunkBytes) continue;
    yield Buffer.concat(parts);
    await new Promise((resolve) => setImmediate(resolve));
    parts = [];
    size = 0;
  }
  const last = frame.encode({ end: { frames, sum } });
  yield Buffer.concat([...parts, lengthOf(last), last]);
}

function lengthOf(content: Buffer): Buffer {
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(content.length);
  return length;
}

function* contents(index: number, captured: Captured): Generator<Buffer, void, void> {
  const { revision, compactRevision } = captured;
  const hasBeenCompacted = compactRevision >= 0;
  yield frame.encode({ totals: { revision, index, hasBeenCompacted, compactRevision: Math.max(0, compactRevision) } });
  for (let at = 0; at < captured.leases.length; at += keysPerFrame)
    yield frame.encode({ leases: captured.leases.slice(at, at + keysPerFrame) });
  if (captured.alarms.length > 0) yield frame.encode({ alarms: captured.alarms });
  for (const block of captured.blocks) {
    const alive = block.filter((version) => version.modRevision <= revision && !version.isDeadAt(compactRevision));
    for (let at = 0; at < alive.length; at += keysPerFrame)
      yield frame.encode({ versions: alive.slice(at, at + keysPerFrame) });
  }
}

const bad = (why: string): WhitewaterError =>
  new WhitewaterError("bad-snapshot", `the snapshot cannot be used: ${why}; take another one`);

/** The state that `chunks`, cut anywhere, describe. What follows the end is not read. Throws WhitewaterError `bad-snapshot`. */
export async function read(chunks: AsyncIterable<Uint8Array>): Promise<{ state: State; index: number }> {
  const state = emptyState();
  let index = 0;
  let count = 0;
  let sum = 0;
  for await (const content of frames(chunks)) {
    const part = decode(content);
    if (part.end !== undefined) {
      if (part.end.frames !== count || part.end.sum !== sum) throw bad("its checksum does not match its content");
      return { state, index };
    }
    if (part.totals !== undefined) index = part.totals.index;
    count++;
    sum = crc32(content, sum);
    load(state, part);
  }
  throw bad("it ends too early");
}

function decode(content: Buffer) {
  try {
    return frame.decode(content);
  } catch (cause) {
    throw new WhitewaterError("bad-snapshot", "the snapshot cannot be used: a frame is damaged", { cause });
  }
}

function load({ keys, leases, alarms }: State, part: ReturnType<typeof decode>): void {
  if (part.totals !== undefined) {
    keys.revision = part.totals.revision;
    if (part.totals.hasBeenCompacted) keys.compactRevision = part.totals.compactRevision;
  }
  for (const { id, ttl, renewals } of part.leases) leases.grant(id, ttl, renewals);
  for (const alarm of part.alarms) alarms.set(alarmKey(alarm), alarm);
  for (const row of part.versions) {
    leases.move(row.key, keys.get(row.key, row.modRevision)?.lease ?? 0n, row.lease);
    keys.load(row);
  }
}

async function* frames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, void> {
  let pending = Buffer.alloc(0);
  let isOpened = false;
  for await (const chunk of chunks) {
    pending = pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([pending, chunk]);
    if (!isOpened) {
      if (pending.length < magic.length) continue;
      if (!pending.subarray(0, magic.length).equals(magic)) throw bad("it is not one of whitewater's");
      pending = pending.subarray(magic.length);
      isOpened = true;
    }
    while (pending.length >= 4) {
      const length = pending.readUInt32BE();
      if (length > largestFrame) throw bad("a frame is too long");
      if (pending.length < 4 + length) break;
      yield pending.subarray(4, 4 + length);
      pending = pending.subarray(4 + length);
    }
  }
}
