/** Keys over HTTP. */
import { WhitewaterError } from "../errors.ts";
import { bytesOfKey, keyOf, prefixEnd } from "../kv/keys.ts";
import type { Compare, KeyValue, Kv } from "../kv/types.ts";
import { type Answer, json } from "./answer.ts";
import { badRequest, type Call, flag, keyInPath, onlyKnown, wholeNumber } from "./call.ts";

const RANGE = ["prefix", "end", "encoding"] as const;
const GET = [...RANGE, "limit", "revision", "keys", "count", "stale", "raw", "redirect"] as const;
const PUT = ["encoding", "if-revision", "lease", "redirect"] as const;
const DELETE = [...RANGE, "if-revision", "redirect"] as const;
const DEFAULT_LIMIT = 1000;

type Encoding = "text" | "base64";

function encodingOf({ query }: Call): Encoding {
  const text = query.get("encoding") ?? "text";
  if (text === "text" || text === "base64") return text;
  throw badRequest(`?encoding is text or base64, not "${text}".`);
}

interface Range {
  readonly key: string;
  readonly rangeEnd: string;
}

/** One key, or with `?prefix` or `?end` all of a range. */
function rangeOf(call: Call): Range & { readonly isMany: boolean } {
  const isBase64 = encodingOf(call) === "base64";
  const key = keyInPath(call.rest, isBase64);
  const end = call.query.get("end");
  const isPrefix = flag(call.query, "prefix");
  if (isPrefix && end !== null) throw badRequest("Either ?prefix or ?end, not both.");
  if (!isPrefix && end === null && key === "") throw badRequest("The path names no key. All of them: /v1/kv/?prefix");
  const rangeEnd = isPrefix
    ? prefixEnd(key)
    : end === null
      ? ""
      : isBase64
        ? keyOf(Buffer.from(end, "base64"))
        : keyOf(end);
  // The empty key is no key; everything begins behind the zero byte.
  return { key: key === "" ? "\0" : key, rangeEnd, isMany: isPrefix || end !== null };
}

export async function getKey(kv: Kv, call: Call): Promise<Answer> {
  const { query, signal } = call;
  onlyKnown(query, GET);
  const { key, rangeEnd, isMany } = rangeOf(call);
  const limit = wholeNumber(query, "limit") ?? DEFAULT_LIMIT;
  const result = await kv.range(
    {
      key,
      rangeEnd,
      limit: isMany ? limit : 0,
      revision: wholeNumber(query, "revision") ?? 0,
      keysOnly: flag(query, "keys"),
      countOnly: flag(query, "count"),
      serializable: flag(query, "stale"),
    },
    signal,
  );
  const { kvs, more, count, header } = result;
  if (isMany || flag(query, "count"))
    return json({ revision: header.revision, count, more, kvs: kvs.map((each) => shown(each, encodingOf(call))) });
  const [found] = kvs;
  if (!found) throw new WhitewaterError("not-found", `There is no key ${printable(key)}.`);
  if (flag(query, "raw"))
    return { status: 200, headers: { "x-whitewater-revision": String(found.modRevision) }, body: found.value };
  return json({ revision: header.revision, ...shown(found, encodingOf(call)) });
}

export async function putKey(kv: Kv, call: Call): Promise<Answer> {
  onlyKnown(call.query, PUT);
  const isBase64 = encodingOf(call) === "base64";
  const key = keyInPath(call.rest, isBase64);
  if (key === "") throw badRequest("The path names no key.");
  const body = await call.body();
  const value = isBase64 ? Buffer.from(body.toString("latin1"), "base64") : body;
  const requestPut = { key, value, lease: BigInt(wholeNumber(call.query, "lease") ?? 0) };
  const condition = wholeNumber(call.query, "if-revision");
  if (condition === undefined) return json({ revision: (await kv.put(requestPut, call.signal)).header.revision });
  return conditional(kv, call, key, condition, { requestPut });
}

export async function deleteKey(kv: Kv, call: Call): Promise<Answer> {
  onlyKnown(call.query, DELETE);
  const { key, rangeEnd, isMany } = rangeOf(call);
  const condition = wholeNumber(call.query, "if-revision");
  if (condition !== undefined && isMany) throw badRequest("?if-revision takes one key, not a range.");
  if (condition !== undefined) return conditional(kv, call, key, condition, { requestDeleteRange: { key } });
  const { header, deleted } = await kv.deleteRange({ key, rangeEnd }, call.signal);
  return json({ revision: header.revision, deleted });
}

type Op = { readonly requestPut: object } | { readonly requestDeleteRange: object };

/** Equal, of the key's last change: see etcd's Compare. */
const unchangedSince = (key: string, modRevision: number): Partial<Compare> => ({
  key,
  target: 2,
  result: 0,
  modRevision,
});

async function conditional(kv: Kv, call: Call, key: string, revision: number, op: Op): Promise<Answer> {
  const request = {
    compare: [unchangedSince(key, revision)],
    success: [op],
    failure: [{ requestRange: { key, keysOnly: true } }],
  };
  const { succeeded, header, responses } = await kv.txn(request, call.signal);
  if (!succeeded) throw conflict(key, revision, responses[0]?.responseRange?.kvs[0]?.modRevision ?? 0);
  const deleted = responses[0]?.responseDeleteRange?.deleted;
  return json({ revision: header.revision, ...(deleted !== undefined && { deleted }) });
}

const conflict = (key: string, wanted: number, actual: number): WhitewaterError =>
  new WhitewaterError(
    "conflict",
    `${printable(key)} ${actual === 0 ? "does not exist" : `was changed at revision ${actual}`}, not at ${wanted}. Nothing was written.`,
  );

const printable = (key: string): string => JSON.stringify(bytesOfKey(key).toString());

const decoder = new TextDecoder("utf-8", { fatal: true });

/** As text where it is text; what is not is base64, and says so. */
export function shown({ key, value, lease, ...each }: KeyValue, encoding: Encoding): object {
  // Field by field: what the store keeps beside them is nobody's business.
  const { createRevision, modRevision, version } = each;
  const bytes = bytesOfKey(key);
  const isText = encoding === "text" && isUtf8(bytes) && isUtf8(value);
  const word = (part: Uint8Array): string => Buffer.from(part).toString(isText ? "utf8" : "base64");
  return {
    key: word(bytes),
    value: word(value),
    createRevision,
    modRevision,
    version,
    ...(lease !== 0n && { lease: String(lease) }),
    ...(!isText && { encoding: "base64" }),
  };
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    decoder.decode(bytes);
    return true;
  } catch {
    return false;
  }
}
