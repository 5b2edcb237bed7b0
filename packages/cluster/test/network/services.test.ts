/** Services as rows of the data path: which endpoints take connections, by every condition; and how they take turns. */
import type { ServiceSpec } from "kubernetes-types/core/v1.js";
import { describe, expect, test } from "vitest";
import { Balancer } from "../../src/network/proxy/balancer.ts";
import { serviceRows } from "../../src/network/proxy/table.ts";
import { type EndpointSpec, service, slice } from "./objects.ts";

const context = { nodeAddresses: ["127.9.1.1", "127.9.1.2"], loopbackLoadBalancer: true };
const tcp = [{ name: "main", port: 7000, protocol: "TCP" }];
const spec = (extra: Partial<ServiceSpec> = {}): ServiceSpec => ({
  clusterIP: "127.9.128.1",
  ports: [{ name: "main", port: 80 }],
  ...extra,
});

const rowsOf = (own: ServiceSpec, endpoints: readonly EndpointSpec[]) =>
  serviceRows(service("web", own), [slice("web", endpoints, tcp)], context);

describe("conditions", () => {
  const at = (address: string, conditions: Partial<EndpointSpec> = {}): EndpointSpec => ({ address, ...conditions });
  const unready = { ready: false };
  const last = { ready: false, serving: true, terminating: true };
  const gone = { ready: false, serving: false, terminating: true };
  const cases: [string, EndpointSpec[], Partial<ServiceSpec>, takes: string[], keeps: string[]][] = [
    ["ready ones take connections", [at("1"), at("2", unready)], {}, ["1"], ["2"]],
    ["none ready: none takes any", [at("1", unready)], {}, [], ["1"]],
    [
      "none ready: those that end but still serve do",
      [at("1", unready), at("2", last), at("3", gone)],
      {},
      ["2"],
      ["1", "3"],
    ],
    ["while one is ready, those that end keep what they have", [at("1"), at("2", last)], {}, ["1"], ["2"]],
    [
      "publishNotReadyAddresses takes all",
      [at("1"), at("2", unready), at("3", last)],
      { publishNotReadyAddresses: true },
      ["1", "2", "3"],
      [],
    ],
  ];
  test.each(cases)("%s", (_name, endpoints, extra, takes, keeps) => {
    const [row] = rowsOf(spec(extra), endpoints);
    expect(row?.endpoints.map(({ address }) => address)).toEqual(takes);
    expect(row?.draining.map(({ address }) => address)).toEqual(keeps);
  });

  test("an endpoint without conditions is ready", () => {
    const bare = { ...slice("web", [], tcp), endpoints: [{ addresses: ["1"] }] };
    expect(serviceRows(service("web", spec()), [bare], context)[0]?.endpoints).toEqual([{ address: "1", port: 7000 }]);
  });
});

describe("addresses", () => {
  const listen = (own: ServiceSpec): string[] =>
    rowsOf(own, []).flatMap((row) =>
      row.listen.map(({ address, port, optional }) => `${address}:${port}${optional ? "?" : ""}`),
    );

  test("a node port is at every node and at 127.0.0.1", () => {
    const ports = [{ name: "main", port: 80, nodePort: 30_080 }];
    expect(listen(spec({ type: "NodePort", ports }))).toEqual([
      "127.9.128.1:80",
      "127.9.1.1:30080",
      "127.9.1.2:30080",
      "127.0.0.1:30080?",
    ]);
  });

  test("headless and ExternalName Services are at none", () => {
    expect(rowsOf(spec({ clusterIP: "None" }), [{ address: "1" }])).toEqual([]);
    expect(rowsOf({ type: "ExternalName", externalName: "a.test" }, [])).toEqual([]);
  });

  test("each port is a row with its own endpoints, at target ports that may differ from pod to pod", () => {
    const ports = [
      { name: "web", port: 80, targetPort: "web" },
      { name: "dns", port: 53, protocol: "UDP" },
      { name: "other", port: 81, protocol: "SCTP" },
    ];
    const old = slice("web", [{ address: "1" }], [{ name: "web", port: 8080, protocol: "TCP" }]);
    const next = slice(
      "web",
      [{ address: "2" }],
      [
        { name: "web", port: 9090, protocol: "TCP" },
        { name: "dns", port: 5353, protocol: "UDP" },
      ],
    );
    const rows = serviceRows(service("web", spec({ ports })), [old, next], context);
    expect(rows.map(({ id, endpoints }) => [id, endpoints])).toEqual([
      [
        "default/web/80/TCP",
        [
          { address: "1", port: 8080 },
          { address: "2", port: 9090 },
        ],
      ],
      ["default/web/53/UDP", [{ address: "2", port: 5353 }]],
    ]);
  });
});

describe("session affinity", () => {
  const endpoints = ["1", "2", "3"].map((address) => ({ address, port: 80 }));
  const seconds = 10;

  test("a client stays until it has been away for the timeout, or its endpoint goes", () => {
    const balancer = new Balancer();
    const choose = (client: string, now: number, among = endpoints) =>
      balancer.choose(among, client, now, seconds)?.address;
    const first = choose("a", 0);
    expect(choose("b", 0)).not.toBe(first);
    expect(choose("a", 9_000)).toBe(first);
    expect(choose("a", 18_000)).toBe(first);
    expect(choose("a", 28_001)).not.toBe(first);
    const left = endpoints.filter(({ address }) => address !== choose("a", 28_002));
    expect(left.map(({ address }) => address)).toContain(choose("a", 28_003, left));
  });

  test("the Service's timeout reaches the row; three hours by default", () => {
    const sticky = { sessionAffinity: "ClientIP" };
    expect(rowsOf(spec(sticky), [])[0]?.affinitySeconds).toBe(10_800);
    const timed = { ...sticky, sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } } };
    expect(rowsOf(spec(timed), [])[0]?.affinitySeconds).toBe(5);
    expect(rowsOf(spec(), [])[0]?.affinitySeconds).toBeUndefined();
  });
});
