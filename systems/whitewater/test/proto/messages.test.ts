import { fileURLToPath } from "node:url";
import { loadSync, type MessageTypeDefinition } from "@grpc/proto-loader";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as cluster from "../../src/proto/cluster.ts";
import * as kv from "../../src/proto/kv.ts";
import * as lease from "../../src/proto/lease.ts";
import * as maintenance from "../../src/proto/maintenance.ts";
import type { Message } from "../../src/proto/message.ts";
import * as watch from "../../src/proto/watch.ts";

const isMessage = (value: unknown): value is Message<unknown> =>
  typeof value === "object" && value !== null && "rows" in value;
const tables = [kv, lease, watch, cluster, maintenance].flatMap((module) => Object.values(module)).filter(isMessage);
const documented = tables.filter(({ name }) => !name.startsWith("grpc."));

type Type = MessageTypeDefinition<object, object>;
const ours = loadSync("rpc.proto", {
  includeDirs: [fileURLToPath(new URL("../../proto", import.meta.url))],
  defaults: true,
});
const theirs = loadSync("rpc.proto", {
  includeDirs: [fileURLToPath(new URL("../proto", import.meta.resolve("etcd3")))],
});

interface DocumentedField {
  readonly name: string;
  readonly number: number;
  readonly label: string;
  readonly type: string;
}

function fieldsOf(definitions: typeof ours, name: string): DocumentedField[] {
  const { field } = (definitions[name] as Type).type as { field: DocumentedField[] };
  return field.map(({ name, number, label, type }) => ({ name: name.toLowerCase(), number, label, type }));
}

const typesOf: Readonly<Record<string, readonly string[]>> = {
  bytes: ["TYPE_BYTES"],
  key: ["TYPE_BYTES"],
  text: ["TYPE_STRING"],
  int: ["TYPE_INT64", "TYPE_UINT64", "TYPE_INT32", "TYPE_UINT32", "TYPE_ENUM"],
  id: ["TYPE_INT64"],
  uid: ["TYPE_UINT64"],
  bool: ["TYPE_BOOL"],
  message: ["TYPE_MESSAGE"],
};

describe("the tables", () => {
  it.each(documented.map((table) => [table.name, table] as const))("%s is as documented", (name, table) => {
    const documentedFields = new Map(fieldsOf(ours, name).map((field) => [field.number, field]));
    expect(table.ordered.map((row) => row.number).sort()).toEqual([...documentedFields.keys()].sort());
    for (const row of table.ordered) {
      const field = documentedFields.get(row.number)!;
      expect(field.name.replaceAll("_", "")).toBe(row.name.toLowerCase());
      expect(typesOf[row.kind]).toContain(field.type);
      expect(field.label === "LABEL_REPEATED").toBe(row.isRepeated);
    }
  });

  it.each(documented.map(({ name }) => name))("proto/rpc.proto has %s as etcd's own clients do", (name) => {
    if (name === "mvccpb.KeyValue" || name === "mvccpb.Event") return expect(theirs[name]).toBeDefined();
    const known = fieldsOf(theirs, name);
    for (const field of fieldsOf(ours, name)) expect(known).toContainEqual(field);
  });
});

const byte = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
const keyText = byte.map((bytes) => bytes.toString("latin1"));
const number = fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.nat(300));

describe("the codec", () => {
  const putType = ours["etcdserverpb.PutRequest"] as Type;

  it("writes what another codec reads, and reads what another writes", () => {
    const put = fc.record({ key: keyText, value: byte, lease: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) });
    fc.assert(
      fc.property(put, fc.boolean(), (draft, prevKv) => {
        const encoded = kv.putRequest.encode({ ...draft, prevKv });
        const other = putType.deserialize(encoded) as { key: Buffer; value: Buffer; lease: { toString(): string } };
        expect(Buffer.from(other.key).toString("latin1")).toBe(draft.key);
        expect(other.lease.toString()).toBe(draft.lease.toString());
        const back = kv.putRequest.decode(putType.serialize(other));
        expect({ ...back, value: Buffer.from(back.value) }).toEqual({
          ...draft,
          prevKv,
          ignoreValue: false,
          ignoreLease: false,
        });
      }),
    );
  });

  it("keeps nested and repeated messages", () => {
    const row = fc.record({ key: keyText, modRevision: number, value: byte, version: fc.nat() });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 8 }), number, fc.boolean(), (kvs, revision, more) => {
        const encoded = kv.rangeResponse.encode({ header: { revision, clusterId: 2n ** 64n - 1n }, kvs, more });
        const back = kv.rangeResponse.decode(encoded);
        expect(back.header).toMatchObject({ revision, clusterId: 2n ** 64n - 1n });
        expect(back.more).toBe(more);
        expect(back.kvs.map(({ key, modRevision, value, version }) => ({ key, modRevision, value, version }))).toEqual(
          kvs,
        );
      }),
    );
  });

  it("grows for a message larger than its scratch buffer, and is as good as before afterwards", () => {
    const value = Buffer.alloc(5_000_000, 7);
    expect(Buffer.from(kv.putRequest.decode(kv.putRequest.encode({ key: "a", value })).value).equals(value)).toBe(true);
    expect(kv.putRequest.decode(kv.putRequest.encode({ key: "b" })).key).toBe("b");
  });

  it("answers any bytes with a message or a clear error", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(...tables), (bytes, table) => {
        try {
          table.decode(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: "malformed" });
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("refuses transactions nested without end", () => {
    let bytes = kv.txnRequest.encode({});
    for (let depth = 0; depth < 200; depth++) {
      const inner = kv.requestOp.encode({ requestTxn: {} });
      expect(inner.length).toBe(2);
      bytes = wrap(wrap(bytes, 4), 2);
    }
    expect(() => kv.txnRequest.decode(bytes)).toThrow(/nested too deep/);
  });
});

/** `content` as field `number` of a message. */
function wrap(content: Buffer, number: number): Buffer {
  const size: number[] = [];
  let rest = content.length;
  for (; rest >= 128; rest = rest >>> 7) size.push((rest & 127) | 128);
  return Buffer.concat([Buffer.from([number * 8 + 2, ...size, rest]), content]);
}
