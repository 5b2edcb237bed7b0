/** The cluster as a library: the example of the front page, and several clusters in one process. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Pod } from "kubernetes-types/core/v1.js";
import { afterEach, describe, expect, it } from "vitest";
import { type Cluster, type ClusterOptions, startCluster } from "../src/index.ts";

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");

/** Not the first free networks, which tests beside this one take and leave. */
const net = 100 + (process.pid % 50);
const clusters: Cluster[] = [];
const start = async (options: ClusterOptions = {}): Promise<Cluster> => {
  const cluster = await startCluster({ isolation: "plain", loopbackLoadBalancers: false, net, ...options });
  clusters.push(cluster);
  return cluster;
};
afterEach(async () => {
  await Promise.all(clusters.splice(0).map((cluster) => cluster.stop()));
});

describe("the example of the front page", () => {
  it("is the one that is compiled", () => {
    const [, block = ""] = /```ts\n([\s\S]*?) \* ```/.exec(read("../src/index.ts")) ?? [];
    const [, compiled = ""] = /\n\n([\s\S]+)$/.exec(read("./example.ts")) ?? [];
    expect(block.replace(/^ \* ?/gm, "").trim()).toBe(compiled.trim());
  });

  it("runs", async () => {
    const [home, dir] = [process.cwd(), mkdtempSync(join(tmpdir(), "coracle-example-"))];
    process.chdir(dir);
    try {
      await import("./example.ts");
      expect(readFileSync(join(dir, "kubeconfig"), "utf8")).toContain('current-context: "coracle"');
    } finally {
      process.chdir(home);
      rmSync(dir, { recursive: true });
    }
  });
});

const pod: Pod = {
  metadata: { name: "web", namespace: "default", labels: { app: "web" } },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [
      {
        name: "main",
        image: "hashicorp/http-echo",
        args: ["-text=$(WHICH)"],
        readinessProbe: { tcpSocket: { port: 5678 }, periodSeconds: 1 },
      },
    ],
  },
};

const podOf = (which: string): Pod => {
  const [main] = pod.spec?.containers ?? [];
  return {
    ...pod,
    spec: { ...pod.spec, containers: [{ ...main, name: "main", env: [{ name: "WHICH", value: which }] }] },
  };
};

const claim = {
  metadata: { name: "data", namespace: "default" },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Mi" } } },
};

/** Adds a line to a file of its volume with each run. */
const writer: Pod = {
  metadata: { name: "writer", namespace: "default" },
  spec: {
    terminationGracePeriodSeconds: 0,
    volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data" } }],
    containers: [
      {
        name: "main",
        image: "busybox",
        command: ["sh", "-c", "echo run >> /data/log; exec sleep 1000"],
        volumeMounts: [{ name: "data", mountPath: "/data" }],
      },
    ],
  },
};

const addressOfWeb = ({ registry }: Cluster): string => registry.get("pods", "default", "web")?.status?.podIP ?? "";

async function addressOf(cluster: Cluster): Promise<string> {
  const { registry } = cluster;
  const ready = () => registry.get("pods", "default", "web")?.status?.containerStatuses?.[0]?.ready;
  await expect.poll(ready, { timeout: 20_000 }).toBe(true);
  return addressOfWeb(cluster);
}

const textAt = async (url: string): Promise<string> => await (await fetch(url)).text();

describe("several clusters in one process", () => {
  it("know nothing of each other, and outlive each other", async () => {
    const [one, two] = await Promise.all([start(), start()]);
    expect(one.url).not.toBe(two.url);
    const service = {
      metadata: { name: "web", namespace: "default" },
      spec: { selector: { app: "web" }, ports: [{ port: 5678 }] },
    };
    for (const [cluster, which] of [
      [one, "one"],
      [two, "two"],
    ] as const) {
      await cluster.registry.create("pods", podOf(which));
      await cluster.registry.create("services", service);
    }
    const [first, second] = await Promise.all([addressOf(one), addressOf(two)]);
    expect(await textAt(`http://${first}:5678/`)).toBe("one\n");
    await one.stop();
    await expect(fetch(`http://${first}:5678/`)).rejects.toThrow();
    expect(await textAt(`http://${second}:5678/`)).toBe("two\n");
    const ip = two.registry.get("services", "default", "web")?.spec?.clusterIP;
    await expect.poll(() => textAt(`http://${ip}:5678/`).catch(() => ""), { timeout: 10_000 }).toBe("two\n");
    expect(two.registry.list("pods").map(({ metadata }) => metadata.name)).toContain("web");
  });

  it("leave no folder, and may be stopped twice and before anything is ready", async () => {
    const before = () => readdirSync(tmpdir()).filter((name) => /^coracle-\w{6}$/.test(name));
    const known = new Set(before());
    const cluster = await start();
    const [dir = ""] = before().filter((name) => !known.has(name));
    await cluster.registry.create("pods", { ...pod, spec: { containers: [{ name: "main", image: "no/such:image" }] } });
    await Promise.all([cluster.stop(), cluster.stop()]);
    expect(existsSync(join(tmpdir(), dir))).toBe(false);
  });
});

describe("a cluster's folder", () => {
  const inFolder = async (run: (dir: string) => Promise<void>): Promise<void> => {
    const home = mkdtempSync(join(tmpdir(), "coracle-library-"));
    try {
      await run(join(home, "cluster"));
    } finally {
      await Promise.all(clusters.splice(0).map((cluster) => cluster.stop()));
      rmSync(home, { recursive: true });
    }
  };

  it("may be moved while the cluster is stopped", async () => {
    await inFolder(async (dir) => {
      const before = await start({ dir });
      await before.registry.create("persistentvolumeclaims", claim);
      await before.registry.create("pods", writer);
      await before.registry.create("pods", podOf("moved"));
      await addressOf(before);
      const isWriting = () => before.registry.get("pods", "default", "writer")?.status?.phase;
      await expect.poll(isWriting, { timeout: 20_000 }).toBe("Running");
      await before.stop();
      renameSync(dir, `${dir}-elsewhere`);
      const after = await start({ dir: `${dir}-elsewhere` });
      await expect
        .poll(() => textAt(`http://${addressOfWeb(after)}:5678/`).catch(String), { timeout: 20_000 })
        .toBe("moved\n");
      const volume = after.registry.list("persistentvolumes")[0]?.metadata.name ?? "";
      const place = readdirSync(`${dir}-elsewhere/volumes`).find((name) => name.startsWith(volume)) ?? "";
      await expect
        .poll(() => readFileSync(`${dir}-elsewhere/volumes/${place}/log`, "utf8"), { timeout: 20_000 })
        .toBe("run\nrun\n");
      expect(existsSync(dir)).toBe(false);
    });
  });

  it("serves one cluster at a time", async () => {
    await inFolder(async (dir) => {
      await start({ dir });
      await expect(start({ dir })).rejects.toMatchObject({ message: expect.stringMatching(/another|used by|in use/) });
    });
  });

  it("whose network another cluster has taken says so, and is left as it was", async () => {
    await inFolder(async (dir) => {
      const { url } = await start();
      const taken = Number(url.split(".")[1]);
      mkdirSync(dir);
      writeFileSync(join(dir, "network.json"), JSON.stringify({ net: taken }));
      await expect(start({ dir })).rejects.toMatchObject({
        code: "network-taken",
        message: expect.stringContaining(`127.${taken}.0.0/16`),
      });
      expect(readdirSync(dir)).toEqual(["network.json"]);
    });
  });

  it.each(["{", '{"net":"ten"}', '{"net":300}', "null"])("with network.json %j is refused", async (text) => {
    await inFolder(async (dir) => {
      mkdirSync(dir);
      writeFileSync(join(dir, "network.json"), text);
      await expect(start({ dir })).rejects.toMatchObject({ code: "unreadable-state" });
    });
  });
});

it.each([
  [{ nodes: 0 }, "nodes must be"],
  [{ isolation: "docker" }, "isolation must be"],
  [{ colour: "blue" }, "no option colour"],
  [{ net: 300 }, "net must be"],
  [{ restartBackoffMs: "soon" }, "restartBackoffMs must be"],
  [{ images: { "acme/tool": { command: "/bin/tool" } } }, "images: acme/tool: command must be a list of texts"],
  [{ images: { "acme/tool": { args: [] } } }, "images: acme/tool: has no command"],
  [{ images: { "acme/tool": { command: [], comand: [] } } }, "has no setting comand"],
  [{ images: { "acme/tool": null } }, "is not a program"],
])("option %j is refused", async (options, reason) => {
  const refusal = { code: "bad-option", message: expect.stringContaining(reason) };
  await expect(startCluster(options as unknown as ClusterOptions)).rejects.toMatchObject(refusal);
});
