/** Which function answers which message, and whether it may come before the handshake is over. */
import type { Handler, NetState } from "../net-state.ts";
import type { Peer } from "../peer.ts";
import type { Bodies, Command, Message } from "../wire/types.ts";
import { onAddresses, onGetAddr } from "./addresses.ts";
import { onBlock } from "./blocks.ts";
import { onBlockTransactions, onCompactBlock } from "./compact.ts";
import { onGetBlockTransactions, onSendCompact } from "./compact-serving.ts";
import { beforeVerack, onPing, onPong, onVerack, onVersion } from "./handshake.ts";
import { onGetBlocks, onGetHeaders, onHeaders } from "./headers.ts";
import { onGetData, onInv, onMempool, onNotFound } from "./inventory.ts";
import { onTransaction } from "./transactions.ts";

const HANDLERS: { readonly [C in Command]: Handler<Bodies[C]> } = {
  version: onVersion,
  verack: onVerack,
  wtxidrelay: beforeVerack((peer) => {
    peer.wantsWtxids = true;
  }),
  sendaddrv2: beforeVerack((peer) => {
    peer.wantsAddrV2 = true;
  }),
  sendheaders: (_net, peer) => {
    peer.wantsHeaders = true;
  },
  sendcmpct: onSendCompact,
  cmpctblock: onCompactBlock,
  getblocktxn: onGetBlockTransactions,
  blocktxn: onBlockTransactions,
  feefilter: (_net, peer, { feeRate }) => {
    peer.feeFilter = Number(feeRate);
  },
  ping: onPing,
  pong: onPong,
  getaddr: onGetAddr,
  addr: onAddresses,
  addrv2: onAddresses,
  inv: onInv,
  getdata: onGetData,
  notfound: onNotFound,
  getheaders: onGetHeaders,
  getblocks: onGetBlocks,
  headers: onHeaders,
  block: onBlock,
  tx: onTransaction,
  mempool: onMempool,
};

const OF_HANDSHAKE: ReadonlySet<Command> = new Set(["version", "verack", "wtxidrelay", "sendaddrv2"]);

/** Messages before the handshake is over are passed over, as in Bitcoin Core. */
export async function handleMessage(net: NetState, peer: Peer, message: Message): Promise<void> {
  if (!peer.isReady && !OF_HANDSHAKE.has(message.command)) return;
  await (HANDLERS[message.command] as Handler<object>)(net, peer, message);
}
