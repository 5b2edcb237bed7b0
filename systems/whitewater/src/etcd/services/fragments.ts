/** Cuts the events of one answer into parts that each stay below what a client takes; a single event is never cut. */
interface Sized {
  readonly kv?: { readonly key?: string; readonly value?: Uint8Array } | undefined;
  readonly prevKv?: { readonly key?: string; readonly value?: Uint8Array } | undefined;
}

/** Numbers, tags and lengths of an event besides its keys and values, at most. */
const overheadBytes = 128;

export const sizeOfEvent = ({ kv, prevKv }: Sized): number =>
  [kv, prevKv].reduce((sum, one) => sum + (one?.key?.length ?? 0) + (one?.value?.length ?? 0), overheadBytes);

export function fragmentsOf<T extends Sized>(events: readonly T[], maxBytes: number): T[][] {
  const parts: T[][] = [[]];
  let size = 0;
  for (const event of events) {
    const more = sizeOfEvent(event);
    if (size + more > maxBytes && parts.at(-1)!.length > 0) {
      parts.push([]);
      size = 0;
    }
    parts.at(-1)!.push(event);
    size += more;
  }
  return parts;
}
