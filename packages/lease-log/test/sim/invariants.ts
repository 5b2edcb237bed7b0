/** What must hold at every moment, and not only at the end of a run: a broken core is found where it breaks, not when a client happens to notice. */
import type { Core } from "../../src/core/core.ts";
import type { Ack } from "../../src/core/messages.ts";
import type { Batch, Meta } from "../../src/core/types.ts";
import type { Position } from "../../src/index.ts";
import type { NodeDisk } from "./node.ts";

/** What a batch breaks, given the disk as it is before the batch is performed. */
export function brokenBy(batch: Batch, disk: NodeDisk, coreOf: (id: string) => Core | undefined): string[] {
  const meta = batch.meta ?? disk.meta.value;
  const broken = batch.meta ? brokenMeta(disk.meta.value, batch.meta) : [];
  for (const { to, message } of batch.sends) {
    if (message.type === "ack") broken.push(...brokenAck(message, meta, disk, coreOf(to)));
  }
  return broken;
}

function brokenMeta(before: Meta, { epochSeen, dataId }: Meta): string[] {
  const broken: string[] = [];
  if (epochSeen < before.epochSeen) broken.push(`forgets epoch ${before.epochSeen} for ${epochSeen}`);
  if (before.dataId !== undefined && dataId !== before.dataId) broken.push(`takes its data for ${dataId}`);
  return broken;
}

/** Promise 2, and what commits rest on: the acknowledged is durable here, and the same as the primary's. */
function brokenAck(ack: Ack, meta: Meta, { log }: NodeDisk, primary: Core | undefined): string[] {
  const { epoch, matched } = ack;
  const broken: string[] = [];
  if (epoch < meta.epochSeen) broken.push(`acknowledges in epoch ${epoch}, having seen ${meta.epochSeen}`);
  if (matched > log.durableIndex) broken.push(`acknowledges ${matched}, ${log.durableIndex} is durable`);
  const theirs = primary?.leadingEpoch === epoch ? primary.epochAt(matched) : undefined;
  const ours = log.at(matched)?.epoch;
  if (ours !== undefined && theirs !== undefined && ours !== theirs)
    broken.push(`acknowledges ${matched} of epoch ${ours}, the primary's is of ${theirs}`);
  return broken;
}

/** Whether this disk, if it counts as complete, holds the entry: the record names none that lacks what was acknowledged. */
export function holds({ meta, log, state }: NodeDisk, { epoch, index }: Position): boolean {
  if (!meta.value.isComplete || index < log.firstIndex) return !meta.value.isComplete || state.at.index >= index;
  return log.durableIndex >= index && log.at(index)?.epoch === epoch;
}
