/** For clients that ask to be told: a stream on a member that has lost its leader would stay silent for ever, so it is ended instead. */
import { refuse } from "../../kv/refusals.ts";
import type { EtcdContext } from "../context.ts";
import { refuseCall, type Streaming } from "../grpc.ts";
import type { Call, CallHandler } from "../http2/call.ts";

/** The metadata by which etcd's clients ask for it. */
const metadata = "hasleader";

export const guarded = (context: EtcdContext, streaming: Streaming): Streaming => ({
  open(call) {
    const handler = streaming.open(call);
    return call.headers.get(metadata) === "true" ? guard(context, call, handler) : handler;
  },
});

function guard({ raft, leaderlessMs, onFault }: EtcdContext, call: Call, handler: CallHandler): CallHandler {
  let alarm: NodeJS.Timeout | undefined;
  const unsubscribe = raft.subscribe(({ leader }) => {
    if (leader !== undefined) {
      clearTimeout(alarm);
      alarm = undefined;
    } else alarm ??= setTimeout(() => refuseCall(call, refuse("no-leader"), onFault), leaderlessMs);
  });
  return {
    message: (body) => handler.message(body),
    ended: () => handler.ended(),
    drained: () => handler.drained?.(),
    closed() {
      clearTimeout(alarm);
      unsubscribe();
      handler.closed();
    },
  };
}
