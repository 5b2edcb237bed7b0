import type { HTTPIngressPath, Ingress, IngressClass } from "kubernetes-types/networking/v1.js";
import { describe, expect, test } from "vitest";
import type { Stored } from "../../src/machinery/types.ts";
import { assignAddresses } from "../../src/network/ingress/addresses.ts";
import { chooseBackend, hostName, pathOf } from "../../src/network/ingress/match.ts";
import { groupByAddress, ownIngresses } from "../../src/network/ingress/ownership.ts";
import { mergeRoutes } from "../../src/network/ingress/routes.ts";

type Path = [path: string, pathType: string, service: string];

const backend = (name: string) => ({ service: { name, port: { number: 80 } } });

const toPath = ([path, pathType, service]: Path): HTTPIngressPath => ({ path, pathType, backend: backend(service) });

interface Options {
  readonly age?: number;
  readonly fallback?: string;
  readonly className?: string;
  readonly annotation?: string;
  readonly ip?: string;
}

/** `rules`: host to paths. */
function ingress(name: string, rules: Record<string, Path[]>, options: Options = {}): Stored<Ingress> {
  const { age = 0, fallback, className, annotation, ip } = options;
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: {
      name,
      namespace: "default",
      uid: name,
      resourceVersion: "1",
      creationTimestamp: `2026-01-01T00:00:0${age}Z`,
      ...(annotation && { annotations: { "kubernetes.io/ingress.class": annotation } }),
    },
    spec: {
      ...(className && { ingressClassName: className }),
      ...(fallback && { defaultBackend: backend(fallback) }),
      rules: Object.entries(rules).map(([host, paths]) => ({
        ...(host && { host }),
        ...(paths.length > 0 && { http: { paths: paths.map(toPath) } }),
      })),
    },
    ...(ip && { status: { loadBalancer: { ingress: [{ ip }] } } }),
  };
}

const choose = (ingresses: readonly Stored<Ingress>[], host: string, path: string) =>
  chooseBackend(mergeRoutes(ingresses), host, path)?.replace(/^default\/(.*):80$/, "$1");

describe("paths", () => {
  // The examples of the Kubernetes page, and what it leaves to be inferred.
  const cases: [rules: Path[], path: string, service: string | undefined][] = [
    [[["/", "Prefix", "a"]], "/any/path", "a"],
    [[["/foo", "Exact", "a"]], "/foo", "a"],
    [[["/foo", "Exact", "a"]], "/bar", undefined],
    [[["/foo", "Exact", "a"]], "/foo/", undefined],
    [[["/foo/", "Exact", "a"]], "/foo", undefined],
    [[["/foo", "Prefix", "a"]], "/foo", "a"],
    [[["/foo", "Prefix", "a"]], "/foo/", "a"],
    [[["/foo/", "Prefix", "a"]], "/foo", "a"],
    [[["/foo/", "Prefix", "a"]], "/foo/", "a"],
    [[["/aaa/bb", "Prefix", "a"]], "/aaa/bbb", undefined],
    [[["/aaa/bbb", "Prefix", "a"]], "/aaa/bbb/ccc", "a"],
    [[["/aaa/bbb", "Prefix", "a"]], "/aaa/bbbxyz", undefined],
    [
      [
        ["/", "Prefix", "a"],
        ["/aaa", "Prefix", "b"],
      ],
      "/aaa/ccc",
      "b",
    ],
    [
      [
        ["/", "Prefix", "a"],
        ["/aaa", "Prefix", "b"],
      ],
      "/ccc",
      "a",
    ],
    [
      [
        ["/aaa", "Prefix", "a"],
        ["/aaa/bbb", "Prefix", "b"],
        ["/", "Prefix", "c"],
      ],
      "/aaa/bbb",
      "b",
    ],
    [
      [
        ["/foo", "Prefix", "a"],
        ["/foo", "Exact", "b"],
      ],
      "/foo",
      "b",
    ],
    [
      [
        ["/foo", "Prefix", "a"],
        ["/foo", "Exact", "b"],
      ],
      "/foo/x",
      "a",
    ],
    [[["/Foo", "Prefix", "a"]], "/foo", undefined],
    [[["/api/*", "ImplementationSpecific", "a"]], "/api/x", "a"],
    [[["/*", "ImplementationSpecific", "a"]], "/", "a"],
  ];
  test.each(cases)("%j %s -> %s", (rules, path, service) => {
    expect(choose([ingress("one", { "": rules })], "any.test", path)).toBe(service);
  });

  test("dot segments are resolved before a rule is looked for, and targets that are no paths have none", () => {
    expect(pathOf("/public/../admin?x=/y")).toBe("/admin");
    expect(pathOf("/public/%2e%2e/admin")).toBe("/admin");
    expect(pathOf("http://a.test/x")).toBe("/x");
    expect(pathOf("//x/y")).toBe("//x/y");
    expect(pathOf("*")).toBeUndefined();
  });
});

describe("hosts", () => {
  const rules = ingress("hosts", {
    "foo.bar.com": [["/", "Prefix", "exact"]],
    "*.bar.com": [["/wild", "Prefix", "wild"]],
    "": [["/any", "Prefix", "any"]],
  });
  const cases: [host: string, path: string, service: string | undefined][] = [
    ["foo.bar.com", "/wild", "exact"],
    ["x.bar.com", "/wild", "wild"],
    ["x.y.bar.com", "/wild", undefined],
    ["bar.com", "/wild", undefined],
    ["x.bar.com", "/any", "any"],
    ["elsewhere.com", "/any", "any"],
    ["elsewhere.com", "/", undefined],
  ];
  test.each(cases)("%s%s -> %s", (host, path, service) => {
    expect(choose([rules], host, path)).toBe(service);
  });

  test("a Host header is read without port, final dot and case", () => {
    expect(hostName("Foo.Bar.com.:8080")).toBe("foo.bar.com");
  });
});

describe("several Ingresses", () => {
  test("their rules add up; where two claim a path, the older has it", () => {
    const older = ingress("z", { "a.test": [["/x", "Prefix", "old"]] }, { age: 1 });
    const younger = ingress(
      "a",
      {
        "a.test": [
          ["/x", "Prefix", "new"],
          ["/y", "Prefix", "new"],
        ],
      },
      { age: 2 },
    );
    const both = ownIngresses([younger, older], []);
    expect(choose(both, "a.test", "/x")).toBe("old");
    expect(choose(both, "a.test", "/y")).toBe("new");
  });

  test("an unmatched request goes to the default backend of its host's Ingress, then of the oldest", () => {
    const oldest = ingress("oldest", {}, { age: 1, fallback: "all" });
    const own = ingress("own", { "a.test": [["/x", "Prefix", "x"]] }, { age: 2, fallback: "own" });
    expect(choose([oldest, own], "a.test", "/other")).toBe("own");
    expect(choose([oldest, own], "b.test", "/other")).toBe("all");
    expect(choose([ingress("none", { "a.test": [["/x", "Prefix", "x"]] })], "a.test", "/other")).toBeUndefined();
  });

  test("another controller's class is not served; an undefined one is", () => {
    const foreign = {
      metadata: { name: "nginx" },
      spec: { controller: "k8s.io/ingress-nginx" },
    } as Stored<IngressClass>;
    const all = [
      ingress("a", {}, { className: "nginx" }),
      ingress("b", {}, { annotation: "nginx" }),
      ingress("c", {}, { className: "gce" }),
      ingress("d", {}),
    ];
    expect(ownIngresses(all, [foreign]).map(({ metadata }) => metadata.name)).toEqual(["c", "d"]);
  });

  test("a second catch-all gets an address of its own, and keeps it", () => {
    const rpc = ingress("rpc", {}, { age: 1, fallback: "rpc" });
    const ws = ingress("ws", {}, { age: 2, fallback: "ws", ip: "10.0.0.8" });
    const late = ingress("late", {}, { age: 3, fallback: "late" });
    const web = ingress("web", { "a.test": [["/", "Prefix", "web"]] }, { age: 4, fallback: "web" });
    const groups = groupByAddress([rpc, ws, late, web]);
    const assigned = assignAddresses(groups, ["10.0.0.10", "10.0.0.9", "10.0.0.8"]);
    const names = [...assigned].map(([address, group]) => [address, group.map(({ metadata }) => metadata.name)]);
    expect(Object.fromEntries(names)).toEqual({
      "10.0.0.10": ["rpc", "web"],
      "10.0.0.8": ["ws"],
      "10.0.0.9": ["late"],
    });
  });
});
