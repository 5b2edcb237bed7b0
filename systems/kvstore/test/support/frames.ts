/** Replies of RESP2 and RESP3 out of what a server sent, with every byte kept, so that two servers can be compared. */

export interface Frame {
  /** The first line, its kind included; for a bulk string also its bytes. */
  readonly text: string;
  readonly items: readonly Frame[];
}

/** Latin-1 text that holds whole replies. */
export function framesIn(text: string): Frame[] {
  const frames: Frame[] = [];
  let at = 0;
  const line = (): string => {
    const end = text.indexOf("\r\n", at);
    if (end < 0) throw new RangeError(`no whole reply: ${JSON.stringify(text.slice(at, at + 100))}`);
    const found = text.slice(at, end);
    at = end + 2;
    return found;
  };
  const frame = (): Frame => {
    const head = line();
    const length = Number(head.slice(1));
    if ("$=".includes(head[0] as string) && length >= 0) {
      const bytes = text.slice(at, at + length);
      at += length + 2;
      return { text: `${head} ${bytes}`, items: [] };
    }
    const count = { "*": length, "~": length, "%": length * 2 }[head[0] as string] ?? 0;
    return { text: head, items: Array.from({ length: Math.max(0, count) }, frame) };
  };
  while (at < text.length) frames.push(frame());
  return frames;
}

export const flat = ({ text, items }: Frame): string =>
  items.length === 0 ? text : `${text} [${items.map(flat).join(", ")}]`;
