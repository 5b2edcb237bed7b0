/**
 * How fast the embedded cluster's API answers, against a control in the same run. Run: npm run bench -- api [requests] [concurrency] [rounds]
 *
 * Each round makes a namespace, creates ConfigMaps while one watch looks on, gets, patches and lists them. Before each step the same number
 * of requests goes to the control (see parts/control.ts) with answers of the same size.
 */
import { fork } from "node:child_process";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { type Answer, connectTo, type Figures, measure, type Send } from "./parts/client.ts";
import { type BenchCluster, ended, residentMb, said, startBenchCluster } from "./parts/cluster.ts";
import { publish, type Row, table } from "./parts/report.ts";

const [requests = 2000, concurrency = 16, rounds = 3] = process.argv.slice(2).map(Number);
const lists = 50;

interface Step {
  readonly name: string;
  readonly method: string;
  readonly count: number;
  /** Of the first answer, roughly; the control's later answers are as long as the API's were. */
  readonly firstBytes: number;
  readonly send: (api: Send, base: string, index: number) => Promise<Answer>;
}

const configMap = (index: number) => ({ metadata: { name: `c${index}` }, data: { k: "v".repeat(200) } });
const mergePatch = "application/merge-patch+json";

const steps: readonly Step[] = [
  {
    name: "create",
    method: "POST",
    count: requests,
    firstBytes: 600,
    send: (api, base, index) => api("POST", base, configMap(index)),
  },
  {
    name: "get",
    method: "GET",
    count: requests,
    firstBytes: 600,
    send: (api, base, index) => api("GET", `${base}/c${index}`),
  },
  {
    name: "merge-patch",
    method: "PATCH",
    count: requests,
    firstBytes: 400,
    send: (api, base, index) => api("PATCH", `${base}/c${index}`, { data: { k: "w" } }, mergePatch),
  },
  {
    name: `list of ${requests}`,
    method: "GET",
    count: lists,
    firstBytes: 400 * requests,
    send: (api, base) => api("GET", base),
  },
];

interface Pair {
  readonly api: Figures;
  readonly control: Figures;
}

async function runRound(round: number, cluster: BenchCluster, api: Send, controlPid: number, control: Send) {
  const namespace = `bench-${round}`;
  await api("POST", "/api/v1/namespaces", { metadata: { name: namespace } });
  const base = `/api/v1/namespaces/${namespace}/configmaps`;
  const timeoutSeconds = 600;
  void api("GET", `${base}?watch=1&timeoutSeconds=${timeoutSeconds}`).catch(() => {});
  const pairs = new Map<string, Pair>();
  for (const { name, method, count, firstBytes, send } of steps) {
    const body = method === "GET" ? undefined : configMap(0);
    const path = `/${sizes.get(name) ?? firstBytes}`;
    const controlFigures = await measure(controlPid, count, concurrency, () => control(method, path, body));
    const figures = await measure(cluster.pid, count, concurrency, (index) => send(api, base, index));
    sizes.set(name, figures.answerBytes);
    pairs.set(name, { api: figures, control: controlFigures });
  }
  await api("DELETE", `/api/v1/namespaces/${namespace}`);
  return pairs;
}

/** How long the API's answers were, by step. */
const sizes = new Map<string, number>();

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

function rowOf(name: string, pairs: readonly Pair[]): Row {
  const of = (read: (pair: Pair) => number): number => median(pairs.map(read));
  return [
    name,
    of(({ api }) => api.perSecond).toFixed(0),
    of(({ control }) => control.perSecond).toFixed(0),
    of(({ api, control }) => api.perSecond / control.perSecond).toFixed(2),
    of(({ api }) => api.p99Ms).toFixed(1),
    of(({ api }) => api.serverMicros).toFixed(0),
    of(({ control }) => control.serverMicros).toFixed(0),
    of(({ api }) => api.clientMicros).toFixed(0),
  ];
}

const columns = ["", "API/s", "control/s", "ratio", "p99 ms", "CPU µs", "control's CPU µs", "client's CPU µs"];

const loadBefore = loadavg()[0] ?? 0;
const cluster = await startBenchCluster();
const control = fork(fileURLToPath(new URL("./parts/control.js", import.meta.url)), [cluster.pkiDir]);
try {
  const controlUrl = `https://127.0.0.1:${await said(control, "its port")}`;
  const atStart = residentMb(cluster.pid);
  // One connection more than there are workers, for the watch.
  const api = connectTo(cluster.url, cluster.token, concurrency + rounds);
  const controlSend = connectTo(controlUrl, "none", concurrency);
  const results: Map<string, Pair>[] = [];
  for (let round = 0; round < rounds; round++)
    results.push(await runRound(round, cluster, api, control.pid ?? 0, controlSend));
  const rowsOf = (some: readonly Map<string, Pair>[]) =>
    steps.map(({ name }) =>
      rowOf(
        name,
        some.map((pairs) => pairs.get(name) as Pair),
      ),
    );
  publish("api", `npm run bench -- api ${requests} ${concurrency} ${rounds}`, loadBefore, [
    `Ready after ${cluster.startMs.toFixed(0)} ms. Resident: ${atStart} MB after the start, ${residentMb(cluster.pid)} MB after the run.`,
    `First round (nothing compiled yet):\n\n${table(columns, rowsOf(results.slice(0, 1)))}`,
    `Median of ${rounds} rounds:\n\n${table(columns, rowsOf(results))}`,
  ]);
} finally {
  await ended(control);
  await cluster.stop();
}
process.exit(0);
