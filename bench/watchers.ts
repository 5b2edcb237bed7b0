/**
 * How long a change takes to reach every watcher of a namespace. Run: npm run bench -- watchers [watchers] [events]
 *
 * Half, all and double the watchers, each on a connection of its own; ConfigMaps are created one after the other, the next one when the last
 * watcher has seen the one before. The watchers live in the same process as the writer, so on two cores they cost as much as the server does.
 */
import { Agent, request } from "node:https";
import { loadavg } from "node:os";
import { connectTo } from "./parts/client.ts";
import { type BenchCluster, cpuMicros, residentMb, startBenchCluster } from "./parts/cluster.ts";
import { publish, type Row, table } from "./parts/report.ts";

const [watchers = 1000, events = 20] = process.argv.slice(2).map(Number);

class Watchers {
  #seen = 0;
  #wanted = Number.POSITIVE_INFINITY;
  #done: () => void = () => {};
  readonly #agent = new Agent({ rejectUnauthorized: false });

  async open({ url, token }: BenchCluster, path: string, count: number): Promise<void> {
    for (let index = 0; index < count; index++) await this.#openOne(`${url}${path}`, token);
  }

  #openOne(url: string, token: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}` };
      const sent = request(url, { agent: this.#agent, headers }, (response) => {
        response.on("data", (part: Buffer) => this.#count(part));
        response.on("error", () => {});
        resolve();
      });
      sent.on("error", reject);
      sent.end();
    });
  }

  #count(part: Buffer): void {
    for (const byte of part) if (byte === 0x0a) this.#seen++;
    if (this.#seen >= this.#wanted) this.#done();
  }

  /** Resolves when `count` more events have come in, over all watchers. */
  next(count: number): Promise<void> {
    this.#wanted = this.#seen + count;
    return new Promise((resolve) => {
      this.#done = resolve;
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

async function measure(cluster: BenchCluster, count: number): Promise<Row> {
  const api = connectTo(cluster.url, cluster.token, 1);
  const namespace = `watched-${count}`;
  await api("POST", "/api/v1/namespaces", { metadata: { name: namespace } });
  const base = `/api/v1/namespaces/${namespace}/configmaps`;
  const group = new Watchers();
  // The namespace's own objects come first; a watch from here on sees only what is made below.
  const { metadata } = JSON.parse((await api("GET", base)).body) as { metadata: { resourceVersion: string } };
  const name = { fieldSelector: "metadata.name!=kube-root-ca.crt", resourceVersion: metadata.resourceVersion };
  await group.open(cluster, `${base}?watch=1&${new URLSearchParams(name)}`, count);
  const took: number[] = [];
  const cpu = cpuMicros(cluster.pid);
  for (let index = 0; index < events; index++) {
    const all = group.next(count);
    const sentAt = performance.now();
    await api("POST", base, { metadata: { name: `event-${index}` }, data: { k: "v".repeat(200) } });
    await all;
    took.push(performance.now() - sentAt);
  }
  const micros = (cpuMicros(cluster.pid) - cpu) / events;
  took.sort((a, b) => a - b);
  const row = [
    count,
    (took[events >> 1] ?? 0).toFixed(1),
    (took.at(-1) ?? 0).toFixed(1),
    (micros / 1000).toFixed(1),
    (micros / count).toFixed(1),
    residentMb(cluster.pid),
  ];
  group.close();
  return row;
}

const loadBefore = loadavg()[0] ?? 0;
const cluster = await startBenchCluster();
try {
  const rows: Row[] = [];
  for (const count of [watchers / 10, watchers / 2, watchers, watchers * 2]) rows.push(await measure(cluster, count));
  const columns = ["watchers", "median ms", "slowest ms", "server's CPU ms an event", "µs a watcher", "resident MB"];
  publish("watchers", `npm run bench -- watchers ${watchers} ${events}`, loadBefore, [
    `From the write until the last watcher has it, over ${events} writes:\n\n${table(columns, rows)}`,
  ]);
} finally {
  await cluster.stop();
}
process.exit(0);
