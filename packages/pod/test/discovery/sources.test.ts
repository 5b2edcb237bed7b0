import { describe, expect, test } from "vitest";
import { discover } from "../../src/discovery/discover.ts";
import { parsePeers } from "../../src/discovery/file.ts";
import { until } from "../capture.ts";
import { manualClock } from "../manual-clock.ts";

describe("a peers file", () => {
  const parse = (peers: unknown, port?: number) => parsePeers(JSON.stringify({ peers }), "peers.json", port);

  test.each([
    ["pod-0.ring.blue.svc:8090", { id: "pod-0", host: "pod-0.ring.blue.svc", port: 8090 }],
    ["10.0.0.1:8090", { id: "10.0.0.1:8090", host: "10.0.0.1", port: 8090 }],
    ["[fd00::1]:8090", { id: "fd00::1:8090", host: "fd00::1", port: 8090 }],
    ["pod-1", { id: "pod-1", host: "pod-1", port: 5555 }],
  ])("reads %s", (entry, peer) => expect(parse([entry], 5555)).toEqual([peer]));

  test.each([[["a:0"]], [["a:99999"]], [["a b:1"]], [[7]], ["a:1"], [undefined], [["a"]]])("refuses %j", (peers) => {
    expect(() => parse(peers)).toThrow(/peers\.json/);
  });
});

test("the environment chooses, and says what is missing when it can't", async () => {
  const all = { PEERS_FILE: "/absent", LABEL_SELECTOR: "a=b", SERVICE_NAME: "s", SERVICE_PORT_NAME: "p" };
  const discovery = discover({ env: all, clock: manualClock() });
  expect(discovery.source).toBe("file");
  await discovery.stop();
  expect(() => discover({ env: { SERVICE_NAME: "s" } })).toThrow(/PEERS_FILE.*LABEL_SELECTOR.*SERVICE_PORT_NAME/);
});

test("an empty DNS answer evicts nobody", async () => {
  const clock = manualClock();
  let records = [{ name: "pod-0.s.default.svc.cluster.local", port: 1 }];
  let asked = 0;
  const resolver = {
    resolveSrv: async () => {
      asked++;
      return records;
    },
    ttlSeconds: async () => 1,
  };
  const discovery = discover({ env: { SERVICE_NAME: "s", SERVICE_PORT_NAME: "p" }, clock, resolver });
  await until("the first set", () => discovery.peers().length === 1);
  records = [];
  const before = asked;
  await until("more answers", () => {
    clock.advance(1_000);
    return asked > before + 2;
  });
  expect(discovery.peers()).toHaveLength(1);
  await discovery.stop();
});
