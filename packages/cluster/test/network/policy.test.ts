import type { Pod } from "kubernetes-types/core/v1.js";
import type { NetworkPolicy } from "kubernetes-types/networking/v1.js";
import { describe, expect, test } from "vitest";
import { compilePolicy } from "../../src/network/policy/compile.ts";
import { type Flow, permits } from "../../src/network/policy/decide.ts";

const pod = (name: string, ip: string, labels: Record<string, string>, namespace = "default"): Pod => ({
  metadata: { name, namespace, labels },
  spec: { containers: [{ name: "main", ports: [{ name: "client", containerPort: 5555 }] }] },
  status: { podIP: ip },
});

const db0 = pod("db-0", "127.10.16.1", { app: "db" });
const db1 = pod("db-1", "127.10.16.2", { app: "db" });
const web = pod("web", "127.10.16.3", { app: "web" });
const monitor = pod("monitor", "127.10.16.4", { app: "monitor" }, "ops");
const pods = [db0, db1, web, monitor];
const namespaces = [{ metadata: { name: "default" } }, { metadata: { name: "ops", labels: { team: "ops" } } }];

const policy = (spec: NetworkPolicy["spec"]): NetworkPolicy => ({
  metadata: { name: "p", namespace: "default" },
  spec,
});
const selectDb = { matchLabels: { app: "db" } };

const flow = (direction: Flow["direction"], peer: Pod | string, port: number): Flow => ({
  direction,
  peer: typeof peer === "string" ? peer : (peer.status?.podIP ?? ""),
  port,
  protocol: "TCP",
});

/** Whether `own` permits the flow under these policies. */
const judge = (own: Pod, policies: readonly NetworkPolicy[], asked: Flow): boolean =>
  permits(compilePolicy(own, { policies, pods, namespaces }), asked);

describe("ingress", () => {
  const cases: [string, NetworkPolicy["spec"], Pod | string, number, boolean][] = [
    ["an empty policy denies all", { podSelector: {} }, web, 80, false],
    ["an empty rule permits all", { podSelector: {}, ingress: [{}] }, web, 80, true],
    ["another's policy does not isolate", { podSelector: { matchLabels: { app: "other" } } }, web, 80, true],
    ["an egress policy does not isolate ingress", { podSelector: {}, policyTypes: ["Egress"] }, web, 80, true],
    [
      "a pod selector stays in its namespace",
      { podSelector: {}, ingress: [{ from: [{ podSelector: {} }] }] },
      monitor,
      80,
      false,
    ],
    ["a pod selector selects", { podSelector: {}, ingress: [{ from: [{ podSelector: selectDb }] }] }, db1, 80, true],
    ["and leaves out", { podSelector: {}, ingress: [{ from: [{ podSelector: selectDb }] }] }, web, 80, false],
    [
      "a namespace selector selects",
      { podSelector: {}, ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: "ops" } } }] }] },
      monitor,
      80,
      true,
    ],
    ["a port opens", { podSelector: {}, ingress: [{ ports: [{ port: 80 }] }] }, web, 80, true],
    ["another stays shut", { podSelector: {}, ingress: [{ ports: [{ port: 80 }] }] }, web, 81, false],
    ["a named port is the pod's own", { podSelector: {}, ingress: [{ ports: [{ port: "client" }] }] }, web, 5555, true],
    ["a range of ports", { podSelector: {}, ingress: [{ ports: [{ port: 80, endPort: 90 }] }] }, web, 85, true],
    ["a protocol", { podSelector: {}, ingress: [{ ports: [{ port: 80, protocol: "UDP" }] }] }, web, 80, false],
    [
      "an address block with a hole",
      { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: "127.10.0.0/16", except: ["127.10.16.3/32"] } }] }] },
      web,
      80,
      false,
    ],
    [
      "an address block",
      { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: "127.10.16.0/24" } }] }] },
      web,
      80,
      true,
    ],
  ];
  test.each(cases)("%s", (_name, spec, peer, port, expected) => {
    expect(judge(db0, [policy(spec)], flow("ingress", peer, port))).toBe(expected);
  });

  test("policies add up", () => {
    const deny = policy({ podSelector: {} });
    const open = policy({ podSelector: selectDb, ingress: [{ ports: [{ port: 80 }] }] });
    expect(judge(db0, [deny, open], flow("ingress", web, 80))).toBe(true);
  });
});

describe("egress", () => {
  test("only what a rule names may be reached; a named port is the destination's", () => {
    const rule = { to: [{ podSelector: selectDb }], ports: [{ port: "client" as const }] };
    const policies = [policy({ podSelector: {}, policyTypes: ["Egress"], egress: [rule] })];
    expect(judge(web, policies, flow("egress", db0, 5555))).toBe(true);
    expect(judge(web, policies, flow("egress", db0, 5556))).toBe(false);
    expect(judge(web, policies, flow("egress", monitor, 5555))).toBe(false);
    expect(judge(web, policies, flow("ingress", monitor, 80))).toBe(true);
  });

  test("what the destination would drop is not sent", () => {
    const policies = [policy({ podSelector: selectDb, ingress: [{ from: [{ podSelector: selectDb }] }] })];
    expect(judge(web, policies, flow("egress", db0, 5555))).toBe(false);
    expect(judge(db1, policies, flow("egress", db0, 5555))).toBe(true);
    expect(judge(web, policies, flow("egress", monitor, 80))).toBe(true);
  });

  test("a Service is reachable while one of its endpoints is", () => {
    const policies = [
      policy({
        podSelector: { matchLabels: { app: "web" } },
        policyTypes: ["Egress"],
        egress: [{ to: [{ podSelector: selectDb }] }],
      }),
    ];
    const services = { "127.10.128.1:80": ["127.10.16.1:5555"], "127.10.128.2:80": ["127.10.16.4:80"] };
    const own = { ...compilePolicy(web, { policies, pods, namespaces }), services };
    expect(permits(own, flow("egress", "127.10.128.1", 80))).toBe(true);
    expect(permits(own, flow("egress", "127.10.128.2", 80))).toBe(false);
  });
});

test("the node itself is always let in", () => {
  const own = compilePolicy(db0, { policies: [policy({ podSelector: {} })], pods, namespaces });
  expect(permits({ ...own, nodeAddresses: ["127.0.0.1"] }, flow("ingress", "127.0.0.1", 80))).toBe(true);
});
