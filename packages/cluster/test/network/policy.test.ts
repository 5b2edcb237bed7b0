import type { Pod } from "kubernetes-types/core/v1.js";
import type { NetworkPolicy } from "kubernetes-types/networking/v1.js";
import { describe, expect, test } from "vitest";
import { compilePolicies, policyPod } from "../../src/network/policy/compile.ts";
import { type Flow, type PolicyTable, permits } from "../../src/network/policy/decide.ts";

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

const compile = (policies: readonly NetworkPolicy[]): PolicyTable =>
  compilePolicies({ policies, pods: pods.flatMap((pod) => policyPod(pod) ?? []), namespaces });

/** Whether `own` permits the flow under these policies. */
const judge = (own: Pod, policies: readonly NetworkPolicy[], asked: Flow): boolean =>
  permits(compile(policies), own.status?.podIP ?? "", asked);

describe("ingress", () => {
  const cases: [string, NetworkPolicy["spec"], Pod | string, number, boolean][] = [
    ["an empty policy denies all", { podSelector: {} }, web, 80, false],
    ["an empty rule permits all", { podSelector: {}, ingress: [{}] }, web, 80, true],
    ["another's policy does not isolate", { podSelector: { matchLabels: { app: "other" } } }, web, 80, true],
    ["an egress policy does not isolate ingress", { podSelector: selectDb, policyTypes: ["Egress"] }, web, 80, true],
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

  const both = {
    namespaceSelector: { matchLabels: { team: "ops" } },
    podSelector: { matchLabels: { app: "monitor" } },
  };
  const openTo = (...from: object[]) => [policy({ podSelector: {}, ingress: [{ from }] })];
  const more: [string, readonly NetworkPolicy[], Pod | string, number, boolean][] = [
    ["both selectors in one peer must match", openTo(both), monitor, 80, true],
    ["and do not where one fails", openTo({ ...both, podSelector: selectDb }), monitor, 80, false],
    ["two peers are alternatives", openTo({ podSelector: selectDb }, both), monitor, 80, true],
    ["an empty namespace selector is every namespace", openTo({ namespaceSelector: {} }), monitor, 80, true],
    ["an empty list of peers is everybody", openTo(), web, 80, true],
    [
      "an expression",
      openTo({ podSelector: { matchExpressions: [{ key: "app", operator: "NotIn", values: ["db"] }] } }),
      web,
      80,
      true,
    ],
    [
      "a rule is peers and ports together",
      [policy({ podSelector: {}, ingress: [{ from: [{ podSelector: selectDb }], ports: [{ port: 80 }] }] })],
      db1,
      81,
      false,
    ],
    ["a range ends", [policy({ podSelector: {}, ingress: [{ ports: [{ port: 80, endPort: 90 }] }] })], web, 91, false],
    [
      "a protocol without a port is all of its ports",
      [policy({ podSelector: {}, ingress: [{ ports: [{ protocol: "TCP" }] }] })],
      web,
      9999,
      true,
    ],
    [
      "a named port that the pod has not",
      [policy({ podSelector: {}, ingress: [{ ports: [{ port: "other" }] }] })],
      web,
      5555,
      false,
    ],
    ["an outside address", openTo({ ipBlock: { cidr: "10.0.0.0/8" } }), "10.1.2.3", 80, true],
    [
      "a policy of another namespace is none of ours",
      [{ ...policy({ podSelector: {} }), metadata: { name: "p", namespace: "ops" } }],
      web,
      80,
      true,
    ],
    [
      "an empty egress list does not make it an egress policy only",
      [policy({ podSelector: {}, egress: [] })],
      web,
      80,
      false,
    ],
  ];
  test.each(more)("%s", (_name, policies, peer, port, expected) => {
    expect(judge(db0, policies, flow("ingress", peer, port))).toBe(expected);
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

  const egress = (spec: object) => [policy({ podSelector: {}, ...spec })];
  const cases: [string, readonly NetworkPolicy[], Pod | string, number, boolean][] = [
    [
      "egress rules alone make it an egress policy, too",
      egress({ egress: [{ to: [{ podSelector: selectDb }] }] }),
      monitor,
      80,
      false,
    ],
    ["without egress rules it is none", egress({ ingress: [] }), monitor, 80, true],
    ["nor with an empty list", egress({ egress: [] }), monitor, 80, true],
    ["unless its type says so", egress({ policyTypes: ["Egress"] }), monitor, 80, false],
    [
      "an address block with a hole",
      egress({
        policyTypes: ["Egress"],
        egress: [{ to: [{ ipBlock: { cidr: "0.0.0.0/0", except: ["10.0.0.0/8"] } }] }],
      }),
      "10.1.1.1",
      80,
      false,
    ],
    [
      "and around it",
      egress({
        policyTypes: ["Egress"],
        egress: [{ to: [{ ipBlock: { cidr: "0.0.0.0/0", except: ["10.0.0.0/8"] } }] }],
      }),
      "11.1.1.1",
      80,
      true,
    ],
    [
      "a namespace",
      egress({ policyTypes: ["Egress"], egress: [{ to: [{ namespaceSelector: { matchLabels: { team: "ops" } } }] }] }),
      monitor,
      80,
      true,
    ],
    [
      "a range of ports",
      egress({ policyTypes: ["Egress"], egress: [{ ports: [{ port: 6443, endPort: 6445 }] }] }),
      monitor,
      6445,
      true,
    ],
  ];
  test.each(cases)("%s", (_name, policies, peer, port, expected) => {
    expect(judge(web, policies, flow("egress", peer, port))).toBe(expected);
  });

  test("what the destination would drop is not sent", () => {
    const policies = [policy({ podSelector: selectDb, ingress: [{ from: [{ podSelector: selectDb }] }] })];
    expect(judge(web, policies, flow("egress", db0, 5555))).toBe(false);
    expect(judge(db1, policies, flow("egress", db0, 5555))).toBe(true);
    expect(judge(web, policies, flow("egress", monitor, 80))).toBe(true);
  });

  test("what the caller may not reach is not accepted: a Service's proxy connects it to any endpoint", () => {
    const ofWeb = { podSelector: { matchLabels: { app: "web" } }, policyTypes: ["Egress"] };
    const policies = [policy({ ...ofWeb, egress: [{ to: [{ podSelector: { matchLabels: { app: "monitor" } } }] }] })];
    expect(judge(db0, policies, flow("ingress", web, 5555))).toBe(false);
    expect(judge(db0, policies, flow("ingress", db1, 5555))).toBe(true);
    const open = [policy({ ...ofWeb, egress: [{ to: [{ podSelector: selectDb }], ports: [{ port: 5555 }] }] })];
    expect(judge(db0, open, flow("ingress", web, 5555))).toBe(true);
    expect(judge(db0, open, flow("ingress", web, 5556))).toBe(false);
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
    const table = { ...compile(policies), services };
    expect(permits(table, "127.10.16.3", flow("egress", "127.10.128.1", 80))).toBe(true);
    expect(permits(table, "127.10.16.3", flow("egress", "127.10.128.2", 80))).toBe(false);
  });
});

test("the node itself is always let in", () => {
  const table = { ...compile([policy({ podSelector: {} })]), nodeAddresses: ["127.0.0.1"] };
  expect(permits(table, "127.10.16.1", flow("ingress", "127.0.0.1", 80))).toBe(true);
});

test("a pod that has ended is no peer any more: another may have its address", () => {
  expect(policyPod({ ...web, status: { ...web.status, phase: "Succeeded" } })).toBeUndefined();
  expect(policyPod({ ...web, status: {} })).toBeUndefined();
  expect(policyPod({ ...web, status: {} }, "127.10.16.9")).toMatchObject({ address: "127.10.16.9" });
});

test("work grows with policies times pods, not with pairs of pods", () => {
  let looks = 0;
  const counted = Array.from({ length: 200 }, (_, index) => ({
    namespace: "default",
    address: `127.10.17.${index}`,
    ports: [],
    get labels() {
      looks++;
      return { app: "db" };
    },
  }));
  const rule = { from: [{ podSelector: selectDb }], ports: [{ port: 5555 }] };
  const policies = Array.from({ length: 5 }, () => policy({ podSelector: selectDb, ingress: [rule] }));
  const table = compilePolicies({ policies, pods: counted, namespaces });
  expect(table.rules).toHaveLength(5);
  expect(Object.keys(table.pods)).toHaveLength(200);
  // Once to select, once as a peer.
  expect(looks).toBe(2 * 5 * 200);
});
