/** The bytes of a journal record: operation, resource and JSON, a line each. A deletion's JSON only says which object. */
import { ClusterError } from "../../errors.ts";
import { isObject } from "../json.ts";
import type { ApiObject, Stored } from "../types.ts";
import type { JournalRecord } from "./journal.ts";

export type DecodedRecord = Omit<JournalRecord, "json">;

const newline = 0x0a;

export function encodeRecord({ operation, resource, object, json }: JournalRecord): Buffer {
  const head = Buffer.from(`${operation}\n${resource}\n`);
  return Buffer.concat([head, operation === "put" ? json : identityOf(object)]);
}

function identityOf({ metadata }: Stored<ApiObject>): Buffer {
  const { namespace, name, resourceVersion } = metadata;
  return Buffer.from(JSON.stringify({ metadata: { namespace, name, resourceVersion } }));
}

/** A decoded deletion's object holds no more than its identity. Throws ClusterError `unreadable-state`. */
export function decodeRecord(bytes: Uint8Array): DecodedRecord {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const first = buffer.indexOf(newline);
  const second = buffer.indexOf(newline, first + 1);
  const operation = buffer.toString("utf8", 0, first);
  if (first < 0 || second < 0 || (operation !== "put" && operation !== "drop"))
    throw unreadable("a record is of no known kind");
  return {
    operation,
    resource: buffer.toString("utf8", first + 1, second),
    object: parseObject(buffer.toString("utf8", second + 1)),
  };
}

export function parseObject(json: string): Stored<ApiObject> {
  let object: unknown;
  try {
    object = JSON.parse(json);
  } catch (cause) {
    throw unreadable("an object is not JSON", cause);
  }
  if (!isObject(object) || !isObject(object.metadata)) throw unreadable("an object has no metadata");
  return object as Stored<ApiObject>;
}

export const unreadable = (why: string, cause?: unknown) =>
  new ClusterError(
    "unreadable-state",
    `The cluster's state cannot be read: ${why}. Put the state folder back from a copy, or move it away to begin with an empty cluster.`,
    { cause },
  );
