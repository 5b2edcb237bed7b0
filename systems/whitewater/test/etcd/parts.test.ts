import { expect, it } from "vitest";
import { encodeParts, sizeOfKeyValue } from "../../src/etcd/parts.ts";
import { keyValue, rangeResponse } from "../../src/proto/kv.ts";

const rows = (count: number, valueBytes: number) =>
  Array.from({ length: count }, (_, at) =>
    keyValue.decode(keyValue.encode({ key: `k${at}`, modRevision: at + 1, value: Buffer.alloc(valueBytes, at) })),
  );

it.each([
  ["no rows", 0, 0, 1],
  ["few rows", 3, 10, 1],
  ["very many rows", 2000, 10, 8],
  ["large rows", 5, 1 << 20, 6],
] as const)("a message of %s is the same as encoded in one piece", (_, count, valueBytes, most) => {
  const kvs = rows(count, valueBytes);
  const head = { header: { revision: 7 }, more: true, count };
  const steps = encodeParts(rangeResponse, head, "kvs", kvs, sizeOfKeyValue);
  let step = steps.next();
  let yielded = 0;
  for (; step.done !== true; step = steps.next()) yielded++;
  expect(step.value.length).toBe(yielded + 1);
  expect(yielded).toBeLessThanOrEqual(most);
  expect(yielded).toBeGreaterThanOrEqual(most - 1);
  const decoded = rangeResponse.decode(Buffer.concat(step.value));
  expect(rangeResponse.encode(decoded).equals(rangeResponse.encode({ ...head, kvs }))).toBe(true);
});
