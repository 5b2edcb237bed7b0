/**
 * A cluster with a few pods, asked by the lines that people type. `node exec-lines.mjs LEVEL KUBECTL` prints one JSON object of line to
 * `{ code, output }`; a program of its own, so that the test can run it as another user.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startCluster } from "@coracle/cluster";

const [level, kubectl] = process.argv.slice(2);

/** From the pod `client`, in its container's shell or as they are. */
export const lines = [
  "nslookup kvstore-0.kvstore-headless",
  "nslookup -type=SRV _resp._tcp.kvstore-headless.default.svc.cluster.local",
  "nslookup nobody.kvstore-headless",
  "nc -zv -w 2 kvstore-0.kvstore-headless 5555",
  "nc -zv -w 2 kvstore-0.kvstore-headless 5556",
  "wget -qO- -T 5 http://web:8080/",
  "curl -s --max-time 5 http://web:8080/",
  "df -h /data",
  "ls -la /data",
  "hostname",
  "whoami",
  "cat /etc/resolv.conf",
  "cat /var/run/secrets/kubernetes.io/serviceaccount/namespace",
];

const tiny = { terminationGracePeriodSeconds: 0 };
const pods = [
  {
    metadata: { name: "client" },
    spec: {
      ...tiny,
      volumes: [{ name: "data", emptyDir: {} }],
      containers: [
        {
          name: "main",
          image: "busybox:1.36",
          command: ["sh", "-c", "echo x > /data/kept; exec sleep 3600"],
          volumeMounts: [{ name: "data", mountPath: "/data" }],
        },
      ],
    },
  },
  {
    metadata: { name: "kvstore-0", labels: { app: "kvstore" } },
    spec: {
      ...tiny,
      hostname: "kvstore-0",
      subdomain: "kvstore-headless",
      containers: [{ name: "main", image: "busybox", command: ["nc", "-lk", "-p", "5555"] }],
    },
  },
  {
    metadata: { name: "web", labels: { app: "web" } },
    spec: { ...tiny, containers: [{ name: "main", image: "hashicorp/http-echo", args: ["-text=hello from web"] }] },
  },
];

const services = [
  {
    metadata: { name: "kvstore-headless" },
    spec: { clusterIP: "None", selector: { app: "kvstore" }, ports: [{ name: "resp", port: 5555 }] },
  },
  { metadata: { name: "web" }, spec: { selector: { app: "web" }, ports: [{ port: 8080, targetPort: 5678 }] } },
];

const dir = await mkdtemp(join(tmpdir(), "coracle-exec-lines-"));
const cluster = await startCluster({ isolation: level, loopbackLoadBalancers: false });
try {
  const kubeconfig = join(dir, "kubeconfig");
  await writeFile(kubeconfig, cluster.kubeconfig);
  const run = (...args) =>
    new Promise((resolve) => {
      const options = { timeout: 60_000, env: { ...process.env, HOME: dir } };
      execFile(kubectl, ["--kubeconfig", kubeconfig, ...args], options, (error, stdout, stderr) =>
        resolve({ code: error?.code ?? 0, output: stdout + stderr }),
      );
    });
  for (const object of services) await cluster.registry.create("services", inDefault(object));
  for (const object of pods) await cluster.registry.create("pods", inDefault(object));
  const ready = await run("wait", "pod", "--all", "--for=condition=Ready", "--timeout=50s");
  const answers = { ready, isolation: cluster.isolation };
  for (const line of lines) answers[line] = await run("exec", "client", "--", "sh", "-c", line);
  answers["direct nslookup"] = await run("exec", "client", "--", "nslookup", "kvstore-0.kvstore-headless");
  process.stdout.write(JSON.stringify(answers));
} finally {
  await cluster.stop();
  await rm(dir, { recursive: true, force: true });
}

function inDefault(object) {
  return { ...object, metadata: { ...object.metadata, namespace: "default" } };
}
