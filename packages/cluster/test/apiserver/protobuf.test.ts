import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeProtobuf } from "../../src/apiserver/protobuf/decode.ts";
import { WireError } from "../../src/apiserver/protobuf/reader.ts";

/** A message by hand: numbers, strings, bytes and messages under their field numbers. */
type Fields = [number: number, value: number | string | Buffer | Fields][];

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const byte = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? byte | 0x80 : byte);
  } while (rest > 0n);
  return bytes;
}

function encode(fields: Fields): Buffer {
  return Buffer.concat(
    fields.map(([number, value]) => {
      if (typeof value === "number") return Buffer.from([...varint(number * 8), ...varint(value)]);
      const bytes = Array.isArray(value) ? encode(value) : Buffer.from(value as string);
      return Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...varint(bytes.length)]), bytes]);
    }),
  );
}

const envelope = (apiVersion: string, kind: string, message: Fields): Buffer =>
  Buffer.concat([
    Buffer.from("k8s\0"),
    encode([
      [
        1,
        [
          [1, apiVersion],
          [2, kind],
        ],
      ],
      [2, message],
      [3, ""],
      [4, ""],
    ]),
  ]);

describe("decodeProtobuf", () => {
  it("reads maps, bytes and nested messages, and leaves out what is empty", () => {
    const metadata: Fields = [
      [1, "s"],
      [2, ""],
      [3, "default"],
      [7, 0],
      [8, []],
      [
        11,
        [
          [1, "app"],
          [2, "x"],
        ],
      ],
    ];
    const secret = envelope("v1", "Secret", [
      [1, metadata],
      [
        2,
        [
          [1, "k"],
          [2, Buffer.from([0xff])],
        ],
      ],
      [3, "Opaque"],
    ]);
    expect(decodeProtobuf(secret)).toEqual({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "s", namespace: "default", labels: { app: "x" } },
      data: { k: "/w==" },
      type: "Opaque",
    });
  });

  it("keeps a zero that is meant and drops one that is not", () => {
    const template: Fields = [
      [
        2,
        [
          [
            2,
            [
              [1, "c"],
              [
                6,
                [
                  [1, "p"],
                  [2, 0],
                  [3, 80],
                ],
              ],
            ],
          ],
        ],
      ],
    ];
    const deployment = envelope("apps/v1", "Deployment", [
      [
        2,
        [
          [1, 0],
          [3, template],
          [5, 0],
        ],
      ],
      [3, []],
    ]);
    expect(decodeProtobuf(deployment)).toEqual({
      apiVersion: "apps/v1",
      kind: "Deployment",
      spec: {
        replicas: 0,
        template: { spec: { containers: [{ name: "c", ports: [{ name: "p", containerPort: 80 }] }] } },
      },
    });
  });

  it("puts embedded messages into their parent", () => {
    const volume: Fields = [
      [1, "v"],
      [2, [[2, []]]],
    ];
    const pod = envelope("v1", "Pod", [[2, [[1, volume]]]]);
    expect(decodeProtobuf(pod)).toMatchObject({ spec: { volumes: [{ name: "v", emptyDir: {} }] } });
  });

  it("reads ports by number and by name, quantities and times", () => {
    const ports: Fields = [
      [
        1,
        [
          [3, 80],
          [
            4,
            [
              [1, 0],
              [2, 8080],
            ],
          ],
        ],
      ],
      [
        1,
        [
          [3, 81],
          [
            4,
            [
              [1, 1],
              [3, "web"],
            ],
          ],
        ],
      ],
    ];
    expect(decodeProtobuf(envelope("v1", "Service", [[2, ports]]))).toMatchObject({
      spec: {
        ports: [
          { port: 80, targetPort: 8080 },
          { port: 81, targetPort: "web" },
        ],
      },
    });
    const lease: Fields = [
      [
        2,
        [
          [
            4,
            [
              [1, 1767225600],
              [2, 123456000],
            ],
          ],
        ],
      ],
    ];
    expect(decodeProtobuf(envelope("coordination.k8s.io/v1", "Lease", lease))).toMatchObject({
      spec: { renewTime: "2026-01-01T00:00:00.123456Z" },
    });
  });

  it("reads DeleteOptions of any group", () => {
    const options = envelope("apps/v1", "DeleteOptions", [
      [1, 0],
      [4, "Foreground"],
      [2, [[1, "uid"]]],
    ]);
    expect(decodeProtobuf(options)).toMatchObject({
      gracePeriodSeconds: 0,
      propagationPolicy: "Foreground",
      preconditions: { uid: "uid" },
    });
  });

  it.each([
    ["no envelope", Buffer.from("{}")],
    ["an unknown kind", envelope("example.org/v1", "Widget", [])],
    ["a length beyond the end", Buffer.concat([Buffer.from("k8s\0"), Buffer.from([0x0a, 0x7f])])],
    ["an endless number", Buffer.concat([Buffer.from("k8s\0"), Buffer.alloc(20, 0xff)])],
  ])("refuses %s", (_what, body) => {
    expect(() => decodeProtobuf(body)).toThrow(WireError);
  });

  it("throws nothing but WireError at whatever comes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const head = encode([
          [
            1,
            [
              [1, "v1"],
              [2, "Pod"],
            ],
          ],
        ]);
        const body = Buffer.concat([Buffer.from("k8s\0"), head, Buffer.from([0x12, ...varint(bytes.length)]), bytes]);
        try {
          decodeProtobuf(body);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      }),
    );
  });
});
