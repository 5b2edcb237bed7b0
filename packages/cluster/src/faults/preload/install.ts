/** Makes a Node.js program suffer the faults of its pod. Everything is wrapped at the start, since programs keep what they import. */
import { followFile } from "../../network/preload/follow-file.ts";
import type { PodFaults } from "../pod-faults.ts";
import { wrapClock } from "./clock.ts";
import { wrapDisk } from "./disk.ts";
import { wrapReceiving } from "./receiving.ts";

/** Without a file nothing is changed. */
export function installFaults(file: string | undefined): void {
  if (!file) return;
  const { current } = followFile<PodFaults>(file, {});
  wrapClock(() => current().clock);
  wrapDisk(() => current().disk);
  wrapReceiving(() => current().network);
}
