/** The Kubernetes DNS specification (1.1.0), asked by dig: a resolver that was written by others. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { program } from "../../../../scripts/testing/programs.ts";
import { addressPlan } from "../../src/network/addresses.ts";
import { claimNetwork, type NetworkClaim } from "../../src/network/claim.ts";
import { startDns } from "../../src/network/dns/server.ts";
import type { AddressPlan } from "../../src/network/types.ts";
import { FakeRegistry } from "./fake-registry.ts";
import { service, slice } from "./objects.ts";

const dig = program("dig") ?? "";
const run = promisify(execFile);
const store = new FakeRegistry();
let claim: NetworkClaim;
let plan: AddressPlan;
let server: { stop(): Promise<void> };

beforeAll(async () => {
  claim = await claimNetwork({ preferred: 95 });
  plan = addressPlan(claim.net, { dnsPort: claim.dnsPort });
  store.put("namespaces", { metadata: { name: "default" } });
  const ports = [{ name: "client", port: 5555, protocol: "TCP" }];
  const metrics = { name: "metrics", port: 9100, protocol: "UDP" };
  store.put(
    "services",
    service("web", { clusterIP: plan.services.at(0), ports: [{ name: "http", port: 80 }, { port: 81 }] }),
  );
  store.put("services", service("db", { clusterIP: "None", ports: [{ name: "client", port: 5555 }, metrics] }));
  const pods = [0, 1].map((index) => ({ address: plan.pods.at(index), hostname: `db-${index}` }));
  const unready = { address: plan.pods.at(2), hostname: "db-2", ready: false };
  store.put("endpointslices.discovery.k8s.io", slice("db", [...pods, unready], [...ports, metrics]));
  store.put("services", service("waiting", { clusterIP: "None", ports: [{ name: "client", port: 5555 }] }));
  store.put("endpointslices.discovery.k8s.io", slice("waiting", [{ ...unready, hostname: "w-0" }], ports));
  store.put("services", service("nobody", { clusterIP: "None", ports: [{ name: "client", port: 5555 }] }));
  store.put("services", service("away", { type: "ExternalName", externalName: "example.test" }));
  server = await startDns({ store: store.registry, plan, upstreams: [] });
});

afterAll(async () => {
  await server?.stop();
  await claim?.release();
});

/** Status, and the answer section sorted: `type data`. */
async function ask(type: string, name: string): Promise<string[]> {
  const where = [`@${plan.dns}`, "-p", String(plan.dnsPort), "+time=5", "+tries=2"];
  const { stdout } = await run(dig, [
    ...where,
    "+noall",
    "+comments",
    "+answer",
    ...(type === "-x" ? ["-x", name] : [type, name]),
  ]);
  const [, status = ""] = /status: (\w+)/.exec(stdout) ?? [];
  const records = stdout.split("\n").filter((line) => /\sIN\s/.test(line) && !line.startsWith(";"));
  return [status, ...records.map((line) => line.trim().split(/\s+/).slice(3).join(" ")).sort()];
}

describe.runIf(dig)("dig", () => {
  const zone = "default.svc.cluster.local";
  const ip = (index: number): string => plan.pods.at(index);
  const rows: [section: string, type: string, name: string, () => string[]][] = [
    ["2.2 version", "TXT", "dns-version.cluster.local", () => ["NOERROR", 'TXT "1.1.0"']],
    ["2.3.1 ClusterIP", "A", `web.${zone}`, () => ["NOERROR", `A ${plan.services.at(0)}`]],
    ["2.3.1 no IPv6", "AAAA", `web.${zone}`, () => ["NOERROR"]],
    ["2.3.2 named port", "SRV", `_http._tcp.web.${zone}`, () => ["NOERROR", `SRV 0 100 80 web.${zone}.`]],
    ["2.3.2 wrong protocol", "SRV", `_http._udp.web.${zone}`, () => ["NXDOMAIN"]],
    ["2.4.1 headless", "A", `db.${zone}`, () => ["NOERROR", `A ${ip(0)}`, `A ${ip(1)}`]],
    ["2.4.1 no IPv6", "AAAA", `db.${zone}`, () => ["NOERROR"]],
    ["2.4.1 its pods", "A", `db-1.db.${zone}`, () => ["NOERROR", `A ${ip(1)}`]],
    ["2.4.1 not the unready", "A", `db-2.db.${zone}`, () => ["NXDOMAIN"]],
    ["2.4.1 none ready", "A", `waiting.${zone}`, () => ["NXDOMAIN"]],
    ["2.4.1 none at all", "A", `nobody.${zone}`, () => ["NXDOMAIN"]],
    [
      "2.4.2 a record for each pod",
      "SRV",
      `_client._tcp.db.${zone}`,
      () => ["NOERROR", `SRV 0 50 5555 db-0.db.${zone}.`, `SRV 0 50 5555 db-1.db.${zone}.`],
    ],
    [
      "2.4.2 and protocol",
      "SRV",
      `_metrics._udp.db.${zone}`,
      () => ["NOERROR", `SRV 0 50 9100 db-0.db.${zone}.`, `SRV 0 50 9100 db-1.db.${zone}.`],
    ],
    ["2.5 ExternalName", "CNAME", `away.${zone}`, () => ["NOERROR", "CNAME example.test."]],
    ["2.5 asked for its address", "A", `away.${zone}`, () => ["NOERROR", "CNAME example.test."]],
    ["2.6 pod by address", "A", "10-1-2-3.default.pod.cluster.local", () => ["NOERROR", "A 10.1.2.3"]],
    ["a service that is not there", "A", `nothing.${zone}`, () => ["NXDOMAIN"]],
    ["a namespace that is not there", "A", "web.nowhere.svc.cluster.local", () => ["NXDOMAIN"]],
  ];
  test.each(rows)("%s: %s %s", async (_section, type, name, expected) => {
    expect(await ask(type, name)).toEqual(expected());
  });

  test("2.3.3 and 2.4.3: addresses lead back to names", async () => {
    expect(await ask("-x", plan.services.at(0))).toEqual(["NOERROR", `PTR web.${zone}.`]);
    expect(await ask("-x", ip(1))).toEqual(["NOERROR", `PTR db-1.db.${zone}.`]);
    expect(await ask("-x", plan.pods.at(99))).toEqual(["NXDOMAIN"]);
  });
});
