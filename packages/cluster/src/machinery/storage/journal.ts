import type { ApiObject, Stored } from "../types.ts";

/** One change as it is logged. A deletion carries the object's last state with the deletion's version. */
export interface JournalRecord {
  readonly operation: "put" | "drop";
  /** The resource's key, such as `deployments.apps`. */
  readonly resource: string;
  readonly object: Stored<ApiObject>;
  /** The object's JSON. */
  readonly json: Buffer;
}

/** Where changes become durable. */
export interface Journal {
  /** Takes the record's place in the order at once; resolves when it and all before it are durable. Rejects for good after a failure. */
  append(record: JournalRecord): Promise<void>;
  close(): Promise<void>;
}
