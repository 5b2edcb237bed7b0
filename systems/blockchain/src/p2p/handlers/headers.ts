/** Headers: asked for, sent, announced. */
import type { ChainEntry } from "../../chain/types.ts";
import type { BlockHeader } from "../../primitives/block.ts";
import { zeroHash } from "../../primitives/hash.ts";
import { LIMITS } from "../limits.ts";
import type { Handler, NetState } from "../net-state.ts";
import { PROTOCOL_VERSION } from "../options.ts";
import type { Peer } from "../peer.ts";
import { type Bodies, INVENTORY, type LocatorBody } from "../wire/types.ts";
import { sendCompactBlock } from "./compact-serving.ts";

const MOST_STRAY_HEADERS = 10;

/** Asks for what the peer has beyond `from`, the best header unless given. */
export function askForHeaders(net: NetState, peer: Peer, from?: ChainEntry): void {
  peer.send({
    command: "getheaders",
    version: PROTOCOL_VERSION,
    locator: net.chain.locator(from),
    stop: zeroHash,
  });
}

/** The entries of the active chain after the locator's fork, up to `most` or the stop. */
function following(net: NetState, { locator, stop }: LocatorBody, most: number): ChainEntry[] {
  const { chain } = net;
  const entries: ChainEntry[] = [];
  let height = chain.findFork(locator).height + 1;
  for (let entry = chain.at(height); entry && entries.length < most; entry = chain.at(++height)) {
    entries.push(entry);
    if (entry.hash.equals(stop)) break;
  }
  return entries;
}

export const onGetHeaders: Handler<LocatorBody> = (net, peer, body) => {
  const { chain } = net;
  const single = body.locator.length === 0 ? chain.entry(body.stop) : undefined;
  if (body.locator.length === 0 && (single === undefined || single.isInvalid)) return;
  const entries = single ? [single] : following(net, body, LIMITS.headers);
  // It will know these, so later ones can be announced by header.
  const last = entries.at(-1);
  if (last && chain.isActive(last)) peer.announced = last;
  peer.send({ command: "headers", headers: entries.map((entry) => chain.header(entry)) });
};

export const onGetBlocks: Handler<LocatorBody> = (net, peer, body) => {
  const entries = following(net, body, LIMITS.blockHashes);
  if (entries.length === 0) return;
  if (entries.length === LIMITS.blockHashes) peer.continueAt = entries.at(-1)?.key;
  peer.send({ command: "inv", items: entries.map(({ hash }) => ({ type: INVENTORY.block, hash })) });
};

export const onHeaders: Handler<Bodies["headers"]> = async (net, peer, { headers }) => {
  if (headers.length === 0) {
    net.headerSync.answered(peer.id, false, net.clock.now());
    return net.schedule();
  }
  if (isStray(net, headers)) return onStray(net, peer);
  const last = await takeHeaders(net, peer, headers);
  if (peer.isClosed) return;
  const goesOn = last !== undefined && headers.length === LIMITS.headers;
  if (net.headerSync.answered(peer.id, goesOn, net.clock.now())) askForHeaders(net, peer, last);
  net.schedule();
};

/** Whether they connect to nothing that is known. */
export const isStray = ({ chain }: NetState, [first]: readonly BlockHeader[]): boolean =>
  first !== undefined && chain.entry(first.previous) === undefined;

/** The entry of the last, if they were taken. The peer may be punished, and closed, for them. */
export async function takeHeaders(
  net: NetState,
  peer: Peer,
  headers: readonly BlockHeader[],
): Promise<ChainEntry | undefined> {
  peer.strayHeaders = 0;
  const result = await net.chain.addHeaders(headers);
  if (!result.ok) {
    if (result.fault === "invalid") net.punish(peer, 100, `headers: ${result.reason}`);
    else net.logger.debug("headers not taken", { peer: peer.address, reason: result.reason });
    return undefined;
  }
  peer.learnBest(result.last);
  peer.weakHeaders = result.last.work < net.chain.tip.work ? peer.weakHeaders + result.added : 0;
  if (peer.weakHeaders > net.maxWeakHeaders)
    net.punish(peer, 100, `headers: ${peer.weakHeaders} without as much work as the tip`);
  return result.last;
}

/** A header or block whose parent isn't known: ask for what is between. A peer that goes on like that sends rubbish. */
export function onStray(net: NetState, peer: Peer): void {
  if (++peer.strayHeaders % MOST_STRAY_HEADERS === 0) net.punish(peer, 20, "headers or blocks that connect to nothing");
  askForHeaders(net, peer);
}

/** Tells the peer of a new tip: by the compact block or headers where it wants them and knows their parent, else by hash. */
export function announceTip(net: NetState, peer: Peer, tip: ChainEntry): void {
  if (peer.best !== undefined && net.chain.ancestor(peer.best, tip.height) === tip) return;
  if (peer.wantsCompact && tip.parent !== undefined && isKnownTo(net, peer, tip.parent)) {
    peer.announced = tip;
    return void sendCompactBlock(net, peer, tip);
  }
  const headers = peer.wantsHeaders ? unknownHeaders(net, peer, tip) : undefined;
  if (headers === undefined) peer.send({ command: "inv", items: [{ type: INVENTORY.block, hash: tip.hash }] });
  else peer.send({ command: "headers", headers: headers.map((entry) => net.chain.header(entry)) });
  peer.announced = tip;
}

const MOST_ANNOUNCED = 8;

/** The headers up to the tip that the peer lacks; undefined when they are many or it is unclear where its chain ends. */
function unknownHeaders(net: NetState, peer: Peer, tip: ChainEntry): readonly ChainEntry[] | undefined {
  const headers: ChainEntry[] = [];
  for (let entry: ChainEntry | undefined = tip; entry && headers.length < MOST_ANNOUNCED; entry = entry.parent) {
    if (isKnownTo(net, peer, entry)) return headers;
    headers.unshift(entry);
  }
  return undefined;
}

const isKnownTo = (net: NetState, { best, announced }: Peer, entry: ChainEntry): boolean =>
  [best, announced].some((known) => known !== undefined && net.chain.ancestor(known, entry.height) === entry);
