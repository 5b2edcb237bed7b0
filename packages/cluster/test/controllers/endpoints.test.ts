import type { Endpoints } from "kubernetes-types/core/v1.js";
import { describe, expect, it } from "vitest";
import { container, pod, service } from "./support/manifests.ts";
import { openWorld, type World } from "./support/world.ts";

const endpointsOf = (world: World, name: string) => world.object("endpoints", "default", name) as Endpoints;
const addresses = (world: World, name: string) =>
  (endpointsOf(world, name).subsets ?? []).flatMap((subset) =>
    (subset.addresses ?? []).map(({ targetRef }) => targetRef?.name),
  );
const slices = (world: World, name: string) =>
  world.store.list("endpointslices.discovery.k8s.io", { labels: { "kubernetes.io/service-name": name } });

const web = (name: string, labels: Record<string, string> = { app: "web" }) =>
  pod(name, { labels, spec: { containers: [container({ ports: [{ name: "http", containerPort: 8080 }] })] } });
const selecting = { selector: { app: "web" }, ports: [{ port: 80, targetPort: "http" }] };

describe("endpoints", () => {
  it("lists ready pods with resolved named ports", async () => {
    const world = await openWorld();
    await world.apply(service("web", selecting), web("a"), web("b"));
    expect(addresses(world, "web")).toEqual(["a", "b"]);
    const [subset] = endpointsOf(world, "web").subsets ?? [];
    expect(subset?.ports).toEqual([{ port: 8080, protocol: "TCP" }]);
    expect(subset?.addresses?.[0]).toMatchObject({
      nodeName: "node-1",
      targetRef: { kind: "Pod", namespace: "default" },
    });
    const [slice] = slices(world, "web");
    expect(slice).toMatchObject({ addressType: "IPv4", ports: [{ name: "", port: 8080, protocol: "TCP" }] });
    expect(slice?.metadata.labels).toMatchObject({
      "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    });
    expect(slice?.endpoints[0]).toMatchObject({ conditions: { ready: true, serving: true, terminating: false } });
  });

  it("follows readiness", async () => {
    const world = await openWorld();
    await world.apply(service("web", selecting), web("a"));
    await world.kubelet.makeUnready("a");
    await world.settle();
    expect(endpointsOf(world, "web").subsets?.[0]).toMatchObject({ notReadyAddresses: [{ targetRef: { name: "a" } }] });
    expect(endpointsOf(world, "web").subsets?.[0]?.addresses).toBeUndefined();
    expect(slices(world, "web")[0]?.endpoints[0]?.conditions).toMatchObject({ ready: false, serving: false });
    await world.kubelet.makeReady("a");
    await world.settle();
    expect(addresses(world, "web")).toEqual(["a"]);
  });

  it("follows a label from one pod to another", async () => {
    const world = await openWorld();
    await world.apply(
      service("master", { selector: { role: "master" }, ports: [{ port: 5555 }] }),
      web("a", { role: "master" }),
      web("b", {}),
    );
    const setRole = (name: string, role: string) =>
      world.store.modify("pods", "default", name, ({ metadata }) => {
        metadata!.labels = { role };
      });
    await Promise.all([setRole("a", "replica"), setRole("b", "master")]);
    await world.settle();
    expect(addresses(world, "master")).toEqual(["b"]);
    expect(
      slices(world, "master").flatMap(({ endpoints }) => endpoints.map(({ targetRef }) => targetRef?.name)),
    ).toEqual(["b"]);
  });

  it("publishes pods that are not ready, with host names, for a headless service that asks for it", async () => {
    const world = await openWorld();
    const named = web("a");
    Object.assign(named.spec!, { hostname: "a", subdomain: "peers" });
    world.kubelet.holdBack("a");
    await world.apply(service("peers", { ...selecting, clusterIP: "None", publishNotReadyAddresses: true }), named);
    expect(endpointsOf(world, "peers").subsets?.[0]?.addresses).toMatchObject([{ hostname: "a" }]);
    expect(endpointsOf(world, "peers").metadata?.labels).toMatchObject({ "service.kubernetes.io/headless": "" });
    expect(slices(world, "peers")[0]?.endpoints).toMatchObject([{ hostname: "a", conditions: { ready: true } }]);
  });

  it("shows a terminating pod as such in slices and drops it from endpoints", async () => {
    const world = await openWorld();
    await world.apply(service("web", selecting), web("a"));
    world.kubelet.holdStop("a");
    await world.store.delete("pods", "default", "a");
    await world.settle();
    expect(endpointsOf(world, "web").subsets).toBeUndefined();
    expect(slices(world, "web")[0]?.endpoints[0]?.conditions).toEqual({
      ready: false,
      serving: true,
      terminating: true,
    });
    await world.kubelet.letStop("default", "a");
    await world.settle();
    expect(slices(world, "web")[0]?.endpoints).toEqual([]);
  });

  it("splits services with more than a hundred pods into slices", async () => {
    const world = await openWorld();
    await world.apply(service("web", selecting));
    await Promise.all(Array.from({ length: 105 }, (_, i) => world.store.create("pods", web(`p${i}`))));
    await world.settle();
    expect(
      slices(world, "web")
        .map(({ endpoints }) => endpoints.length)
        .sort(),
    ).toEqual([100, 5]);
    expect(addresses(world, "web")).toHaveLength(105);
  });

  it("leaves manual endpoints alone and mirrors them to a slice", async () => {
    const world = await openWorld();
    const subsets = [{ addresses: [{ ip: "10.0.0.7" }], ports: [{ port: 9000 }] }];
    const manual = { apiVersion: "v1", kind: "Endpoints", metadata: { name: "db", namespace: "default" }, subsets };
    await world.apply(service("db", { ports: [{ port: 9000 }] }), manual);
    expect(endpointsOf(world, "db").subsets?.[0]?.addresses).toEqual([{ ip: "10.0.0.7" }]);
    expect(slices(world, "db")[0]?.endpoints).toMatchObject([{ addresses: ["10.0.0.7"], conditions: { ready: true } }]);
    await world.store.delete("endpoints", "default", "db");
    await world.settle();
    expect(slices(world, "db")).toEqual([]);
  });

  it("removes both with the service", async () => {
    const world = await openWorld();
    await world.apply(service("web", selecting), web("a"));
    await world.store.delete("services", "default", "web");
    await world.settle();
    expect(world.store.get("endpoints", "default", "web")).toBeUndefined();
    expect(slices(world, "web")).toEqual([]);
  });

  it("keeps the kubernetes service pointing at the API server", async () => {
    const world = await openWorld({ apiServer: { host: "127.10.0.1", port: 6443 } });
    expect(world.object("services", "default", "kubernetes").spec.ports[0]).toMatchObject({
      name: "https",
      port: 443,
      targetPort: 6443,
    });
    expect(endpointsOf(world, "kubernetes").subsets).toEqual([
      { addresses: [{ ip: "127.10.0.1" }], ports: [{ name: "https", port: 6443, protocol: "TCP" }] },
    ]);
    expect(slices(world, "kubernetes").map(({ metadata }) => metadata.name)).toEqual(["kubernetes"]);
    await world.store.delete("endpoints", "default", "kubernetes");
    await world.settle();
    expect(endpointsOf(world, "kubernetes").subsets).toHaveLength(1);
  });
});
