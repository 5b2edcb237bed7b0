/** Handing leadership over (thesis 3.10): no new proposals, the heir caught up, then told to hold an election at once. */
import { bestHeir } from "./leader.ts";
import { isVoter } from "./membership.ts";
import { type Leading, refusal, type Step, send } from "./node.ts";
import type { Refusal } from "./types.ts";

export function onTransfer(step: Step, wanted: string | undefined): Refusal | undefined {
  const { node } = step;
  const { leading, config, log } = node;
  if (!leading) return refusal("no-leader", "this member does not lead");
  const to = wanted ?? bestHeir(node, leading);
  if (to === undefined) return refusal("not-transferred", "no other voter can be reached");
  if (to === config.id) return refusal("invalid", `${to} leads already`);
  if (!isVoter(log.membership, to)) return refusal("invalid", `${to} is not a voter`);
  if (leading.transfer && leading.transfer.to !== to)
    return refusal("busy", `leadership goes to ${leading.transfer.to}`);
  leading.transfer ??= { to, deadline: node.ticks + config.electionTicks, isTold: false };
  continueTransfer(step, leading);
  return undefined;
}

/** Told once, when it holds everything: a second election in the next term would only disturb the first. */
export function continueTransfer(step: Step, leading: Leading): void {
  const { node } = step;
  const { transfer } = leading;
  if (!transfer || transfer.isTold) return;
  if ((leading.peers.get(transfer.to)?.match ?? 0) < node.log.last) return;
  transfer.isTold = true;
  send(step, transfer.to, { type: "timeout-now", term: node.term });
}
