/** Calls that answer when something has happened. */
import { hashText } from "../../primitives/hash.ts";
import { type RpcContext, type RpcMethod, rpc } from "../context.ts";
import type { Call } from "../method.ts";
import { optional, param, withDefault } from "../method.ts";

const CATEGORY = "Blockchain";
/** Without a limit of the caller's; a connection that is forgotten must not stay for ever. */
const LONGEST_MS = 24 * 3_600_000;

/** Resolves with the tip as soon as `isReached`, or when the time is over or the client hangs up. */
function waitForTip(
  { chain }: RpcContext,
  timeoutMs: number,
  { signal }: Call,
  isReached: () => boolean,
): Promise<object> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      unsubscribe();
      signal.removeEventListener("abort", finish);
      resolve({ hash: hashText(chain.tip.hash), height: chain.tip.height });
    };
    const timer = setTimeout(finish, timeoutMs > 0 ? Math.min(timeoutMs, LONGEST_MS) : LONGEST_MS);
    const unsubscribe = chain.onSettled(() => isReached() && finish());
    signal.addEventListener("abort", finish);
    if (isReached() || signal.aborted) finish();
  });
}

const timeout = withDefault(param.integer("milliseconds; 0: no limit", 0), 0);

export const waitMethods: readonly RpcMethod[] = [
  rpc(
    "waitforblockheight",
    CATEGORY,
    "waits until the tip is that high",
    { height: param.integer("height", 0), timeout },
    (context, values, call) =>
      waitForTip(context, values.timeout, call, () => context.chain.tip.height >= values.height),
  ),
  rpc(
    "waitforblock",
    CATEGORY,
    "waits until that block is the tip",
    { blockhash: param.hash("block"), timeout },
    (context, values, call) =>
      waitForTip(context, values.timeout, call, () => context.chain.tip.hash.equals(values.blockhash)),
  ),
  rpc(
    "waitfornewblock",
    CATEGORY,
    "waits for another tip",
    { timeout, current_tip: optional(param.hash("the tip that is known")) },
    (context, values, call) => {
      const before = values.current_tip ?? context.chain.tip.hash;
      return waitForTip(context, values.timeout, call, () => !context.chain.tip.hash.equals(before));
    },
  ),
];
