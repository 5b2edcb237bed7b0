/**
 * How long many pods take that are created at once: until the scheduler has bound them all, and until they all run. Run: npm run bench -- pods [counts...]
 *
 * The pods do nothing (`sleep`), so what is measured is the cluster: admission, scheduling, the kubelet's starts and its status writes. There
 * are as many nodes as the pods need, since a node takes 110, as in Kubernetes.
 */
import { loadavg } from "node:os";
import { connectTo, type Send } from "./parts/client.ts";
import { cpuMicros, residentMb, startBenchCluster } from "./parts/cluster.ts";
import { publish, type Row, table } from "./parts/report.ts";

const counts = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [50, 100, 200];
const podsPerNode = 100;
const pollMs = 50;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const pod = (index: number) => ({
  metadata: { name: `pod-${index}` },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [{ name: "main", image: "busybox", command: ["sleep", "3600"] }],
  },
});

interface PodList {
  readonly items: readonly {
    readonly spec: { readonly nodeName?: string };
    readonly status?: { readonly phase?: string };
  }[];
}

async function reach(api: Send, path: string, isDone: (list: PodList) => boolean): Promise<void> {
  while (!isDone(JSON.parse((await api("GET", path)).body) as PodList)) await sleep(pollMs);
}

async function measure(pid: number, api: Send, count: number): Promise<Row> {
  const namespace = `pods-${count}`;
  await api("POST", "/api/v1/namespaces", { metadata: { name: namespace } });
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const [cpu, startedAt] = [cpuMicros(pid), performance.now()];
  const answers = await Promise.all(Array.from({ length: count }, (_, index) => api("POST", path, pod(index))));
  const refused = answers.find(({ status }) => status !== 201);
  if (refused) throw new Error(refused.body);
  const createdMs = performance.now() - startedAt;
  await reach(api, path, ({ items }) => items.every(({ spec }) => spec.nodeName));
  const boundMs = performance.now() - startedAt;
  await reach(api, path, ({ items }) => items.every(({ status }) => status?.phase === "Running"));
  const runningMs = performance.now() - startedAt;
  const micros = cpuMicros(pid) - cpu;
  const row = [
    count,
    createdMs.toFixed(0),
    boundMs.toFixed(0),
    runningMs.toFixed(0),
    (micros / 1000 / count).toFixed(1),
    residentMb(pid),
  ];
  await api("DELETE", path);
  await reach(api, path, ({ items }) => items.length === 0);
  return row;
}

const nodes = Math.ceil(Math.max(...counts) / podsPerNode);
const loadBefore = loadavg()[0] ?? 0;
const cluster = await startBenchCluster(nodes);
try {
  const api = connectTo(cluster.url, cluster.token, 16);
  const rows: Row[] = [];
  for (const count of counts) rows.push(await measure(cluster.pid, api, count));
  const columns = ["pods", "created ms", "bound ms", "running ms", "cluster's CPU ms a pod", "resident MB"];
  publish("pods", `npm run bench -- pods ${counts.join(" ")}`, loadBefore, [
    `Pods created at once, on ${nodes} nodes:\n\n${table(columns, rows)}`,
  ]);
} finally {
  await cluster.stop();
}
process.exit(0);
