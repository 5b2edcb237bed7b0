/** `getblocktemplate` (BIP 22, 23, 145). */
import { BlockchainError } from "../../errors.ts";
import type { BlockTemplate } from "../../miner/types.ts";
import { decodeBlock } from "../../primitives/block.ts";
import { hashFromText, hashText } from "../../primitives/hash.ts";
import { encodeTransaction } from "../../primitives/transaction.ts";
import type { RpcContext } from "../context.ts";
import { RpcError } from "../errors.ts";
import type { Call } from "../method.ts";
import { bitsText, targetText } from "../views/numbers.ts";

const MOST_SIGOPS = 80_000;
const MOST_BYTES = 4_000_000;
const MOST_WEIGHT = 4_000_000;
/** How long a caller with a `longpollid` waits for another tip, and after which time it gets a template with newer transactions. */
const LONG_POLL_MS = 60_000;

type TemplateRequest = Readonly<Record<string, unknown>>;

export async function blockTemplate(context: RpcContext, request: TemplateRequest, call: Call): Promise<unknown> {
  const { mode = "template", rules, longpollid } = request;
  if (mode === "proposal") return propose(context, request.data);
  if (mode !== "template") throw new RpcError("invalidParameter", "Invalid mode");
  if (!Array.isArray(rules) || !rules.includes("segwit"))
    throw new RpcError(
      "invalidParameter",
      'getblocktemplate must be called with the segwit rule set (call with {"rules": ["segwit"]})',
    );
  if (typeof longpollid === "string") await waitForChange(context, longpollid, call);
  return templateView(context, context.miner.template());
}

async function propose({ chain }: RpcContext, data: unknown): Promise<string | null> {
  if (typeof data !== "string") throw new RpcError("type", "Missing data String key for proposal");
  try {
    const block = decodeBlock(Buffer.from(data, "hex"));
    if (!block.header.previous.equals(chain.tip.hash)) return "inconclusive-not-best-prevblk";
    const result = await chain.testBlock(block);
    return result.ok ? null : result.reason;
  } catch (cause) {
    if (!(cause instanceof BlockchainError)) throw cause;
    throw new RpcError("deserialization", "Block decode failed", { cause });
  }
}

const longPollId = ({ chain, mempool }: RpcContext): string => `${hashText(chain.tip.hash)}${mempool.sequence}`;

function waitForChange(context: RpcContext, id: string, { signal }: Call): Promise<void> {
  const { chain } = context;
  const known = hashFromText(id.slice(0, 64));
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      unsubscribe();
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const timer = setTimeout(finish, LONG_POLL_MS);
    const unsubscribe = chain.onSettled(finish);
    signal.addEventListener("abort", finish);
    if (known === undefined || !known.equals(chain.tip.hash) || signal.aborted) finish();
  });
}

function templateView(context: RpcContext, template: BlockTemplate): object {
  const places = new Map(template.entries.map((entry, index) => [entry, index + 1]));
  return {
    capabilities: ["proposal"],
    version: template.version,
    rules: ["csv", "!segwit", "taproot"],
    vbavailable: {},
    vbrequired: 0,
    previousblockhash: hashText(template.previous),
    transactions: template.entries.map((entry) => ({
      data: encodeTransaction(entry.tx).toString("hex"),
      txid: hashText(entry.txid),
      hash: hashText(entry.wtxid),
      depends: [...entry.parents].flatMap((parent) => places.get(parent) ?? []),
      fee: entry.fee,
      sigops: entry.sigopCost,
      weight: entry.weight,
    })),
    coinbaseaux: {},
    coinbasevalue: template.coinbaseValue,
    longpollid: longPollId(context),
    target: targetText(template.bits),
    mintime: template.minTime,
    mutable: ["time", "transactions", "prevblock"],
    noncerange: "00000000ffffffff",
    sigoplimit: MOST_SIGOPS,
    sizelimit: MOST_BYTES,
    weightlimit: MOST_WEIGHT,
    curtime: template.time,
    bits: bitsText(template.bits),
    height: template.height,
    default_witness_commitment: template.commitmentScript.toString("hex"),
  };
}
