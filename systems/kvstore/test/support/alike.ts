/** What may differ between the answers of two servers to the same conversation, and nothing else. */
import { type Frame, flat } from "./frames.ts";
import type { Words } from "./random-commands.ts";

const TIMES = new Set(["ttl", "pttl", "expiretime", "pexpiretime"]);
/** What these tell is each server's own; their errors are not. */
const OWN_WORDS = new Set(["client", "command", "config"]);
/** Both servers got the command at nearly the same time; so far apart may their clocks be read. */
const TIME_TOLERANCE_MS = 20_000;

/** Pairs of what one server and the other answered, with the words that were asked, where they differ. */
export function differences(asked: readonly Words[], ours: readonly Frame[], theirs: readonly Frame[]): string[] {
  const found: string[] = [];
  let queued: Words[] | undefined;
  for (const [index, words] of asked.entries()) {
    const [our, their] = [ours[index], theirs[index]];
    const name = words[0]?.toLowerCase();
    const pairs: [Words, Frame | undefined, Frame | undefined][] =
      name === "exec" && queued && our?.items.length === queued.length && their?.items.length === queued.length
        ? queued.map((inner, i) => [inner, our.items[i], their.items[i]])
        : [[words, our, their]];
    for (const [inner, a, b] of pairs)
      if (comparable(inner, a, b) !== comparable(inner, b, a))
        found.push(`${JSON.stringify(inner)}\n  kvstore ${shown(a)}\n  redis   ${shown(b)}`);
    if (their?.text === "+QUEUED") queued?.push(words);
    else if (name === "multi" && their?.text === "+OK") queued = [];
    else if (name === "exec" || name === "discard") queued = undefined;
  }
  return found;
}

const shown = (frame: Frame | undefined): string => JSON.stringify(frame && flat(frame))?.slice(0, 300) ?? "nothing";

/** The frame as text, less what may differ from `other`. */
function comparable(words: Words, frame: Frame | undefined, other: Frame | undefined): string {
  if (!frame) return "nothing";
  const name = words[0]?.toLowerCase() ?? "";
  if (TIMES.has(name) && areTimesAlike(name, frame.text, other?.text)) return "the time";
  if (OWN_WORDS.has(name) && frame.text[0] !== "-") return frame.text[0] as string;
  if (name === "keys") return sorted(frame);
  if (name === "scan" && frame.items.length === 2) return frame.items.map(sorted).join();
  if (name === "hello") return flat(frame).replace(/ id, :\d+/, "");
  return flat(frame);
}

/** Without the empty key, which Redis' `**` does not match though its `*` does. */
const sorted = ({ text, items }: Frame): string =>
  [
    text[0],
    ...items
      .map(flat)
      .filter((item) => item !== "$0 ")
      .sort(),
  ].join();

function areTimesAlike(name: string, ours: string, theirs = ""): boolean {
  const [a, b] = [Number(ours.slice(1)), Number(theirs.slice(1))];
  const unit = name.startsWith("p") ? 1 : 1000;
  return a > 0 && b > 0 && Math.abs(a - b) * unit <= TIME_TOLERANCE_MS;
}
