/**
 * whitewater's three ways of discovery, side by side. Run: npm run bench -- discovery [rounds] [variant...]
 *
 * For each: how long after `kubectl scale` a new pod is shown by every member's discovery, and votes itself; what an idle minute costs DNS and the
 * API; and how long writes stop, and a deleted pod stays away, while DNS or the API is. Takes about three minutes.
 */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { publish, type Row, table } from "./parts/report.ts";

const VARIANTS = ["dns-srv", "kubernetes-api", "init-container"] as const;
const REPLICAS = 3;
const IDLE_MS = 15_000;
const AWAY_S = 8;
/** A pod that takes longer to be seen is not going to be: DNS is asked again within its TTL of 5 s. */
const SEEN_MS = 12_000;
/** For all else, which happens sooner or later; the machine may be busy. */
const PATIENCE_MS = 120_000;
const NEW_POD = `whitewater-${REPLICAS}`;

const root = fileURLToPath(new URL("..", import.meta.url));
const home = mkdtempSync(join(tmpdir(), "coracle-bench-"));
const env = { ...process.env, CORACLE_HOME: home, KUBECONFIG: join(home, "kubeconfig") };
const [, , roundsAsked = "2", ...variantsAsked] = process.argv;
const rounds = Number(roundsAsked);
const variants = VARIANTS.filter((variant) => variantsAsked.length === 0 || variantsAsked.includes(variant));
const loadBefore = loadavg()[0] ?? 0;

const execute = promisify(execFile);
const run = async (file: string, ...args: string[]): Promise<string> => (await execute(file, args, { env })).stdout;
const coracle = (...args: string[]) => run(process.execPath, join(root, "packages/cli/dist/main.js"), ...args);
const kubectl = (...args: string[]) => run("kubectl", ...args);
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Status {
  readonly peers: readonly { readonly name: string; readonly address: string }[];
  readonly raft?: { readonly members: readonly { readonly name: string; readonly isLearner: boolean }[] };
}

const ADDRESSES = "jsonpath={range .items[*]}{.metadata.name} {.status.podIP}{'\\n'}{end}";

async function podAddresses(): Promise<Map<string, string>> {
  const lines = (await kubectl("get", "pods", "-l", "app=whitewater", "-o", ADDRESSES)).trim().split("\n");
  return new Map(lines.map((line) => line.split(" ") as [string, string]));
}

async function statusOf(address: string): Promise<Status | undefined> {
  try {
    const response = await fetch(`http://${address}:8090/v1/status`, { signal: AbortSignal.timeout(500) });
    return (await response.json()) as Status;
  } catch {
    return undefined;
  }
}

/** Milliseconds until all of `addresses` say so, or undefined. */
async function timeUntil(
  addresses: readonly string[],
  isSo: (status: Status) => boolean,
  withinMs = PATIENCE_MS,
): Promise<number | undefined> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < withinMs) {
    const all = await Promise.all(addresses.map(statusOf));
    if (all.every((status) => status !== undefined && isSo(status))) return performance.now() - startedAt;
    await sleep(20);
  }
  return undefined;
}

const isMember =
  (name: string) =>
  ({ raft }: Status): boolean =>
    raft?.members.some((each) => each.name === name && !each.isLearner) ?? false;

/** Waits for what will happen. */
async function awaited(what: string, addresses: readonly string[], isSo: (status: Status) => boolean): Promise<number> {
  const tookMs = await timeUntil(addresses, isSo);
  if (tookMs === undefined) throw new TypeError(`waited ${PATIENCE_MS / 1000} s in vain for ${what}`);
  return tookMs;
}

async function settled(): Promise<void> {
  await kubectl("rollout", "status", "statefulset", "whitewater", "--timeout=120s");
  const all = await podAddresses();
  await awaited("all pods to vote", [...all.values()], (status) =>
    [...all.keys()].every((name) => isMember(name)(status)),
  );
}

interface Seen {
  readonly shown: number | undefined;
  readonly member: number;
}

async function timeNewPod(): Promise<Seen> {
  const old = [...(await podAddresses()).values()];
  await kubectl("scale", "statefulset", "whitewater", `--replicas=${REPLICAS + 1}`);
  const isShown = ({ peers }: Status): boolean => peers.some(({ name }) => name === NEW_POD);
  const [shown, member] = await Promise.all([
    timeUntil(old, isShown, SEEN_MS),
    awaited("the new pod to vote", old, isMember(NEW_POD)),
  ]);
  await kubectl("scale", "statefulset", "whitewater", `--replicas=${REPLICAS}`);
  await kubectl("wait", "--for=delete", `pod/${NEW_POD}`, "--timeout=60s");
  await awaited("the new pod to be removed", old, (status) => status.raft?.members.length === REPLICAS);
  await kubectl("delete", "pvc", `data-${NEW_POD}`, "--ignore-not-found");
  return { shown, member };
}

/** Until one is never shown: then none will be. */
async function timeNewPods(): Promise<readonly Seen[]> {
  const seen: Seen[] = [];
  while (seen.length < rounds && seen.every(({ shown }) => shown !== undefined)) seen.push(await timeNewPod());
  return seen;
}

async function questions(addresses: readonly string[]): Promise<number> {
  const texts = await Promise.all(
    addresses.map(async (address) => (await fetch(`http://${address}:8090/metrics`)).text()),
  );
  const asked = (text: string): number => Number(/^whitewater_discovery_questions_total (\d+)/m.exec(text)?.[1] ?? 0);
  return texts.reduce((sum, text) => sum + asked(text), 0);
}

/** For objects: asking for these numbers is no such request. */
const apiRequests = async (): Promise<number> =>
  (await kubectl("get", "--raw", "/metrics"))
    .split("\n")
    .filter((line) => line.startsWith("apiserver_request_total") && !line.includes('resource=""'))
    .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);

/** A minute and pod. */
async function idleMinute(): Promise<{ dns: number; api: number }> {
  const addresses = [...(await podAddresses()).values()];
  const before = { dns: await questions(addresses), api: await apiRequests() };
  await sleep(IDLE_MS);
  const api = (await apiRequests()) - before.api;
  const dns = (await questions(addresses)) - before.dns;
  const perMinute = 60_000 / IDLE_MS / REPLICAS;
  return { dns: dns * perMinute, api: api * perMinute };
}

interface Writing {
  /** The longest time between two acknowledged writes. */
  stop(): Promise<number>;
}

function startWriting(addresses: readonly string[]): Writing {
  let [gapMs, isOver] = [0, false];
  const write = async (): Promise<void> => {
    let lastAt = performance.now();
    for (let n = 0; !isOver; n++) {
      const url = `http://${addresses[n % addresses.length]}:8090/v1/kv/bench`;
      const put = fetch(url, { method: "PUT", body: String(n), signal: AbortSignal.timeout(1000) });
      const isDone = await put.then((response) => response.text().then(() => response.ok)).catch(() => false);
      if (isDone) {
        gapMs = Math.max(gapMs, performance.now() - lastAt);
        lastAt = performance.now();
      }
      await sleep(5);
    }
  };
  const writing = write();
  return {
    stop: async () => {
      isOver = true;
      await writing;
      return gapMs;
    },
  };
}

/** How long writes stop while `fault` is there, and how long a pod deleted in it stays away. */
async function awayFrom(...fault: string[]): Promise<{ gapMs: number; backMs: number }> {
  const [gone, ...stay] = [...(await podAddresses())].sort(([a], [b]) => (a < b ? 1 : -1));
  const name = gone?.[0] ?? "";
  const writing = startWriting(stay.map(([, address]) => address));
  await coracle("fault", "add", ...fault, "selector=app=whitewater", "--for", String(AWAY_S));
  const begunAt = performance.now();
  await kubectl("delete", "pod", name, "--wait=true");
  const deletedAt = performance.now();
  for (;;) {
    const address = (await podAddresses()).get(name);
    if (address && (await statusOf(address))?.raft !== undefined) break;
    if (performance.now() - deletedAt > PATIENCE_MS) throw new TypeError(`${name} did not come back`);
    await sleep(50);
  }
  const backMs = performance.now() - deletedAt;
  await sleep(AWAY_S * 1000 - (performance.now() - begunAt));
  const gapMs = await writing.stop();
  await coracle("fault", "clear");
  await settled();
  return { gapMs, backMs };
}

const median = (values: readonly (number | undefined)[]): number | undefined => {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  return sorted.length === values.length ? sorted[sorted.length >> 1] : undefined;
};
const ms = (value: number | undefined): string => (value === undefined ? "never" : `${Math.round(value)} ms`);

/** The variant's manifests with fewer pods, and a grace period so short that what is scaled away is gone before the next round. */
function manifestsOf(variant: string): string {
  const folder = join(home, variant);
  cpSync(join(root, "systems/whitewater/k8s", variant), folder, { recursive: true });
  const file = join(folder, "statefulset.yaml");
  const text = readFileSync(file, "utf8")
    .replace("replicas: 5", `replicas: ${REPLICAS}`)
    .replace(/^( +)- name: DATA_DIR$/m, '$1- name: REMOVE_AFTER\n$1  value: "3s"\n$&');
  if (!text.includes("REMOVE_AFTER") || !text.includes(`replicas: ${REPLICAS}`))
    throw new TypeError(`${file} is not as expected`);
  writeFileSync(file, text);
  return folder;
}

async function measure(variant: string): Promise<Row> {
  const say = (what: string): void => void process.stderr.write(`${variant}: ${what}\n`);
  const manifests = manifestsOf(variant);
  await kubectl("apply", "-f", manifests);
  await settled();
  say("new pods");
  const seen = await timeNewPods();
  say("idle");
  const idle = await idleMinute();
  say("DNS away");
  const dns = await awayFrom("dns-error", "code=SERVFAIL");
  say("API away");
  const api = await awayFrom("api-hang");
  await kubectl("delete", "-f", manifests);
  await kubectl("wait", "--for=delete", "pod", "-l", "app=whitewater", "--timeout=60s");
  await kubectl("delete", "pvc", "--all");
  return [
    variant,
    ms(median(seen.map(({ shown }) => shown))),
    ms(median(seen.map(({ member }) => member))),
    idle.dns.toFixed(0),
    idle.api.toFixed(0),
    `${ms(dns.gapMs)} / ${ms(dns.backMs)}`,
    `${ms(api.gapMs)} / ${ms(api.backMs)}`,
  ];
}

try {
  await coracle("cluster", "start");
  const rows: Row[] = [];
  for (const variant of variants) rows.push(await measure(variant));
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
  publish("discovery", `npm run bench -- discovery ${process.argv.slice(2).join(" ")}`.trim(), loadBefore, [
    table(head, rows),
    note,
  ]);
} finally {
  await coracle("cluster", "delete", "--yes");
  rmSync(home, { recursive: true, force: true });
}
