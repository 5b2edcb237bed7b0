/**
 * Who makes room when all places for inbound peers are taken. If nobody did, whoever fills them once keeps everyone else out for ever.
 *
 * As in Bitcoin Core, peers are kept for what an attacker can't have cheaply: short answers to pings, blocks brought, time spent here. Of
 * the rest, the youngest of the host with the most connections goes: who dials a hundred times makes room for himself.
 */
export interface Seated {
  readonly host: string;
  readonly isReady: boolean;
  readonly connectedMs: number;
  readonly minPingMs: number | undefined;
  /** When it last brought a block that was new here; 0 if never. */
  readonly lastBlockMs: number;
}

/** Undefined when nobody should: then the newcomer has to go. */
export function whoMakesRoom<P extends Seated>(inbound: readonly P[]): P | undefined {
  // Those who said nothing yet, the slowest of them first.
  const silent = inbound.filter(({ isReady }) => !isReady).sort((a, b) => a.connectedMs - b.connectedMs);
  if (silent[0] !== undefined) return silent[0];
  const share = Math.floor(inbound.length / 4);
  const brought = inbound.filter(({ lastBlockMs }) => lastBlockMs > 0);
  const kept = new Set<P>([
    ...first(inbound, share, ({ minPingMs }) => minPingMs ?? Number.MAX_SAFE_INTEGER),
    ...first(brought, share, ({ lastBlockMs }) => -lastBlockMs),
    ...first(inbound, share, ({ connectedMs }) => connectedMs),
  ]);
  const rest = inbound.filter((peer) => !kept.has(peer));
  const crowd = (host: string): number => inbound.filter((peer) => peer.host === host).length;
  return rest.sort((a, b) => crowd(b.host) - crowd(a.host) || b.connectedMs - a.connectedMs)[0];
}

const first = <P>(peers: readonly P[], count: number, by: (peer: P) => number): P[] =>
  [...peers].sort((a, b) => by(a) - by(b)).slice(0, count);
