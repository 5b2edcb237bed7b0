/**
 * whitewater's three ways of discovery, side by side. Run: npm run bench -- discovery [rounds]
 *
 * For each: how long after `kubectl scale` a new pod is shown by every member's discovery, and is a member itself; what an idle minute costs DNS
 * and the API; and how long writes stop, and a deleted pod stays away, while DNS or the API is.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { publish, type Row, table } from "./parts/report.ts";

const VARIANTS = ["dns-srv", "kubernetes-api", "init-container"] as const;
const REPLICAS = 3;
const IDLE_MS = 60_000;
const AWAY_S = 15;
/** A pod that takes longer to be seen is not going to be. */
const GIVE_UP_MS = 45_000;

const root = fileURLToPath(new URL("..", import.meta.url));
const home = mkdtempSync(join(tmpdir(), "coracle-bench-"));
const env = { ...process.env, CORACLE_HOME: home, KUBECONFIG: join(home, "kubeconfig") };
const rounds = Number(process.argv[2] ?? 3);
const loadBefore = loadavg()[0] ?? 0;

const run = (file: string, ...args: string[]): string =>
  execFileSync(file, args, { env, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
const coracle = (...args: string[]): string => run(process.execPath, join(root, "packages/cli/dist/main.js"), ...args);
const kubectl = (...args: string[]): string => run("kubectl", ...args);
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Status {
  readonly peers: readonly { readonly name: string; readonly address: string }[];
  readonly raft?: { readonly members: readonly { readonly name: string; readonly isLearner: boolean }[] };
}

const podAddresses = (): Map<string, string> => {
  const lines = kubectl(
    "get",
    "pods",
    "-l",
    "app=whitewater",
    "-o",
    "jsonpath={range .items[*]}{.metadata.name} {.status.podIP}{'\\n'}{end}",
  );
  return new Map(
    lines
      .trim()
      .split("\n")
      .map((line) => line.split(" ") as [string, string]),
  );
};

async function statusOf(address: string): Promise<Status | undefined> {
  try {
    const response = await fetch(`http://${address}:8090/v1/status`, { signal: AbortSignal.timeout(500) });
    return (await response.json()) as Status;
  } catch {
    return undefined;
  }
}

/** Milliseconds until all of `addresses` agree, or undefined. */
async function timeUntil(addresses: readonly string[], isSo: (status: Status) => boolean): Promise<number | undefined> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < GIVE_UP_MS) {
    const all = await Promise.all(addresses.map(statusOf));
    if (all.every((status) => status !== undefined && isSo(status))) return performance.now() - startedAt;
    await sleep(20);
  }
  return undefined;
}

async function settled(replicas: number): Promise<void> {
  kubectl("rollout", "status", "statefulset", "whitewater", "--timeout=120s");
  const addresses = [...podAddresses().values()];
  await timeUntil(addresses, ({ raft }) => (raft?.members.length ?? 0) >= replicas);
}

async function timeNewPod(
  address: (name: string) => string,
): Promise<{ shown: number | undefined; member: number | undefined }> {
  const old = [...podAddresses().values()];
  const name = `whitewater-${REPLICAS}`;
  kubectl("scale", "statefulset", "whitewater", `--replicas=${REPLICAS + 1}`);
  // A file made before the pod was there never names it: by its name, or, where the file holds addresses, by that.
  const isShown = ({ peers }: Status): boolean =>
    peers.some((peer) => peer.name === name || peer.address === address(name));
  const [shown, member] = await Promise.all([
    timeUntil(old, isShown),
    timeUntil(old, ({ raft }) => raft?.members.some((each) => each.name === name && !each.isLearner) ?? false),
  ]);
  kubectl("scale", "statefulset", "whitewater", `--replicas=${REPLICAS}`);
  kubectl("wait", "--for=delete", `pod/${name}`, "--timeout=60s");
  await timeUntil(
    [...podAddresses().values()],
    ({ raft }) => raft?.members.every((each) => each.name !== name) ?? false,
  );
  kubectl("delete", "pvc", `data-${name}`, "--ignore-not-found");
  return { shown, member };
}

async function questions(): Promise<number> {
  const texts = await Promise.all(
    [...podAddresses().values()].map(async (address) => (await fetch(`http://${address}:8090/metrics`)).text()),
  );
  return texts.reduce(
    (sum, text) => sum + Number(/^whitewater_discovery_questions_total (\d+)/m.exec(text)?.[1] ?? 0),
    0,
  );
}

const apiRequests = (): number =>
  kubectl("get", "--raw", "/metrics")
    .split("\n")
    .filter((line) => line.startsWith("apiserver_request_total"))
    .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);

/** Per pod and minute. What this measurement asks the API itself is taken off: two metrics, and the addresses of the pods twice. */
async function idleMinute(): Promise<{ dns: number; api: number }> {
  const before = { dns: await questions(), api: apiRequests() };
  await sleep(IDLE_MS);
  const api = apiRequests() - before.api - OWN_REQUESTS;
  const dns = (await questions()) - before.dns;
  return { dns: dns / REPLICAS, api: Math.max(0, api) / REPLICAS };
}
const OWN_REQUESTS = 1;

/** The longest time without an acknowledged write while `fault` is there, and how long a pod deleted in it stays away. */
async function awayFrom(...fault: string[]): Promise<{ gapMs: number; backMs: number | undefined }> {
  coracle("fault", "add", ...fault, "selector=app=whitewater", "--for", String(AWAY_S));
  let [gapMs, isOver] = [0, false];
  const write = async (): Promise<void> => {
    let lastAt = performance.now();
    const addresses = [...podAddresses().values()];
    for (let n = 0; !isOver; n++) {
      const url = `http://${addresses[n % addresses.length]}:8090/v1/kv/bench`;
      const put = fetch(url, { method: "PUT", body: String(n), signal: AbortSignal.timeout(1000) });
      const isDone = await put.then(
        ({ ok, body }) => body?.cancel().then(() => ok) ?? ok,
        () => false,
      );
      if (isDone) {
        gapMs = Math.max(gapMs, performance.now() - lastAt);
        lastAt = performance.now();
      }
      await sleep(5);
    }
  };
  const writing = write();
  kubectl("delete", "pod", "whitewater-1", "--wait=true");
  const startedAt = performance.now();
  let backMs: number | undefined;
  while (backMs === undefined && performance.now() - startedAt < GIVE_UP_MS) {
    const address = podAddresses().get("whitewater-1");
    if (address && (await statusOf(address))?.raft !== undefined) backMs = performance.now() - startedAt;
    await sleep(50);
  }
  await sleep(Math.max(0, AWAY_S * 1000 - (performance.now() - startedAt)));
  isOver = true;
  await writing;
  coracle("fault", "clear");
  await settled(REPLICAS);
  return { gapMs, backMs };
}

const median = (values: readonly (number | undefined)[]): number | undefined => {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  return sorted.length === values.length ? sorted[sorted.length >> 1] : undefined;
};
const ms = (value: number | undefined): string => (value === undefined ? "never" : `${Math.round(value)} ms`);

async function measure(variant: string): Promise<Row> {
  coracle("up", "whitewater", "--variant", variant);
  // A short grace, so that what is scaled away is gone before the next round.
  kubectl("set", "env", "statefulset/whitewater", "REMOVE_AFTER=10s");
  kubectl("scale", "statefulset", "whitewater", `--replicas=${REPLICAS}`);
  await settled(REPLICAS);
  const seen: Awaited<ReturnType<typeof timeNewPod>>[] = [];
  for (let round = 0; round < rounds; round++)
    seen.push(await timeNewPod((name) => `${podAddresses().get(name)}:8090`));
  const idle = await idleMinute();
  const dns = await awayFrom("dns-error", "code=SERVFAIL");
  const api = await awayFrom("api-hang");
  coracle("down", "whitewater", "--variant", variant, "--delete-data");
  kubectl("delete", "pvc", "--all");
  return [
    variant,
    ms(median(seen.map(({ shown }) => shown))),
    ms(median(seen.map(({ member }) => member))),
    idle.dns.toFixed(1),
    idle.api.toFixed(1),
    `${ms(dns.gapMs)} / ${ms(dns.backMs)}`,
    `${ms(api.gapMs)} / ${ms(api.backMs)}`,
  ];
}

try {
  const rows: Row[] = [];
  for (const variant of VARIANTS) rows.push(await measure(variant));
  const head = [
    "variant",
    "new pod shown by all",
    "new pod votes",
    "DNS questions a minute and pod",
    "API requests a minute and pod",
    "DNS away: longest gap / pod back",
    "API away: longest gap / pod back",
  ];
  const note = `Median of ${rounds} rounds, ${REPLICAS} pods. Away: ${AWAY_S} s, in which one pod is deleted; the gap is between acknowledged writes, "back" from the pod's end to taking part.`;
  publish("discovery", "npm run bench -- discovery", loadBefore, [table(head, rows), note]);
} finally {
  coracle("cluster", "delete", "--yes");
  rmSync(home, { recursive: true, force: true });
}
