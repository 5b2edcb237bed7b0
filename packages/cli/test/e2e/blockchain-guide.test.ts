/** The commands of the blockchain deployment guide, word for word, by the real kubectl, in the guide's order. */
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { program } from "../../../../scripts/testing/programs.ts";
import { root } from "../../../../scripts/testing/sources.ts";
import { editor, guide } from "./guide.ts";
import { type Installation, install, until } from "./installation.ts";

const kubectl = program("kubectl");
const redis = program("redis-server");
const required = kubectl && redis;

let coracle: Installation;
/** The manifests: a copy, since the guide edits them. */
const manifests = (): string => join(coracle.home, "k8s");
beforeAll(async () => {
  coracle = await install();
  await cp(join(root, "systems", "blockchain", "k8s"), manifests(), { recursive: true });
  await coracle.ok("coracle cluster start", { timeoutMs: 300_000 });
}, 320_000);
afterAll(() => coracle?.remove(), 120_000);

const { check, rows } = guide(() => coracle, manifests);

const bothOf = (app: string): readonly RegExp[] => [
  new RegExp(`${app}-0 +1/1 +Running`),
  new RegExp(`${app}-1 +1/1 +Running`),
];
const rolledOut = [/statefulset rolling update complete|roll out complete|partitioned roll out complete/];

const edit = (file: string, from: string, to: string): Promise<string> =>
  coracle.ok(`grep -q '${from}' ${file} && sed -i 's/${from}/${to}/' ${file}`, { cwd: manifests() });

const readyPods = async (app: string): Promise<number> =>
  ((await coracle.ok(`kubectl get pods -n blockchain -l app=${app} --no-headers`)).match(/1\/1 +Running/g) ?? [])
    .length;

describe.runIf(required)("the guide's commands", () => {
  rows("deploy", [
    {
      line: "./deploy.sh",
      shows: [
        /namespace\/blockchain created/,
        /statefulset.apps\/miner created/,
        /horizontalpodautoscaler.autoscaling\/miner-hpa created/,
        /poddisruptionbudget.policy\/webserver-pdb created/,
        /pod\/miner-1 condition met/,
        /pod\/webserver-1 condition met/,
        /The blockchain is up/,
      ],
      timeoutMs: 300_000,
    },
  ]);

  rows("verify", [
    { line: "kubectl get pods -n blockchain", shows: [...bothOf("miner"), ...bothOf("webserver"), /redis-\S+ +1\/1/] },
    {
      line: "kubectl wait --for=condition=ready pod -l app=miner -n blockchain --timeout=300s",
      shows: [/pod\/miner-0 condition met/, /pod\/miner-1 condition met/],
    },
    {
      line: "kubectl wait --for=condition=ready pod -l app=webserver -n blockchain --timeout=300s",
      shows: [/pod\/webserver-0 condition met/],
    },
  ]);

  rows("status", [
    { line: "kubectl get namespaces", shows: [/^blockchain +Active/m, /^kube-system +Active/m] },
    { line: "kubectl get pods -n blockchain -o wide", shows: [/miner-0 .* 127\.\S+ +node-1/] },
    {
      line: "kubectl get svc -n blockchain",
      shows: [/miner-headless +ClusterIP +None/, /webserver-service +LoadBalancer .*8080:\d+\/TCP,2101:/, /^redis /m],
    },
    {
      line: "kubectl get endpoints -n blockchain",
      shows: [/webserver-service +127\.\S+:8080/, /redis +127\.\S+:6379/],
    },
    {
      line: "kubectl get pvc -n blockchain",
      shows: [/miner-data-miner-0 +Bound .*50Gi/, /webserver-wallets-webserver-1 +Bound .*1Gi/],
    },
    { line: "kubectl get pvc -n blockchain | grep webserver", shows: [/webserver-data-webserver-0 /, /webserver-1 /] },
    { line: "kubectl get nodes", shows: [/node-1 +Ready/] },
    { line: "kubectl config current-context", shows: [/\S/] },
  ]);

  rows("debug a pod", [
    {
      line: "kubectl describe pod webserver-0 -n blockchain",
      shows: [
        /wait-for-miner/,
        /Readiness: +http-get http:\/\/:web\/api\/health\/ready/,
        /Normal +Started .*Container started/,
      ],
    },
    { line: "kubectl logs -n blockchain miner-0 -c blockchain-node --tail 200", shows: [/\S/] },
    {
      line: "kubectl logs -n blockchain miner-0 -c blockchain-node --previous --tail 200",
      shows: [/previous terminated container "blockchain-node" in pod "miner-0" not found/],
      code: 1,
    },
    { line: "kubectl exec -n blockchain -it webserver-0 -- sh", shows: [/Settings.toml/], input: "ls /app\nexit\n" },
    { line: "kubectl get events -n blockchain --sort-by=.lastTimestamp | tail -50", shows: [/Normal +\w+ +pod\//] },
    { line: "kubectl logs -n blockchain -l app=miner -f", shows: [/\S/], code: null },
    { line: "kubectl logs -n blockchain -l app=webserver -f", shows: [/\S/], code: null },
    { line: "kubectl logs -n blockchain webserver-1 -f", shows: [/\S/], code: null },
  ]);

  it("a container that was killed has its last words in --previous, and comes back under the same name", async () => {
    await coracle.ok("coracle fault add kill namespace=blockchain pods=miner-1");
    await until(
      () => coracle.ok("kubectl get pods -n blockchain miner-1 --no-headers"),
      (line) => /1\/1 +Running +1/.test(line),
      60_000,
    );
    await check({
      line: "kubectl logs -n blockchain miner-1 -c blockchain-node --previous --tail 200",
      shows: [/\S/],
    });
  }, 90_000);

  rows("secrets", [
    { line: "kubectl get secret blockchain-secrets -n blockchain", shows: [/blockchain-secrets +Opaque +4/] },
    {
      line: "kubectl get secret blockchain-secrets -n blockchain -o jsonpath='{.data.BITCOIN_API_ADMIN_KEY}' | base64 --decode; echo",
      shows: [/^admin-secret$/m],
    },
    {
      line: "kubectl get secret blockchain-secrets -n blockchain -o jsonpath='{.data.MINER_ADDRESS}' | base64 --decode; echo",
      shows: [/^\n$/],
    },
  ]);

  rows("the autoscalers", [
    {
      line: "kubectl describe hpa webserver-hpa -n blockchain",
      shows: [/StatefulSet\/webserver/, /cpu on pods/, /AbleToScale +True/, /Percent +Value: 50 +Period: 60 seconds/],
    },
    { line: "kubectl get apiservices | grep metrics", shows: [/v1beta1.metrics.k8s.io .*True/] },
    { line: "kubectl top pods -n blockchain", shows: [/miner-0 +\d+m +\d+Mi/, /webserver-0 +\d+m +\d+Mi/] },
  ]);

  rows("access", [
    {
      line: `kubectl port-forward -n blockchain svc/webserver-service 8080:8080 > forward.log 2>&1 & forward=$!
        trap 'kill $forward; cat forward.log' EXIT
        until grep -q Forwarding forward.log || ! kill -0 $forward; do sleep 0.1; done
        curl -fsS http://localhost:8080/api/health/ready`,
      shows: [/Forwarding from \S+:8080 -> 8080/, /"status":"healthy"/, /"mode":"shared"/],
    },
    {
      line: "kubectl exec -n blockchain webserver-1 -- curl -f http://webserver-service:8080/api/health/ready",
      shows: [/"status":"healthy"/],
    },
  ]);

  it("Redis away: requests are counted by each webserver, which says so, until it is back", async () => {
    const mode = async (): Promise<string | undefined> => {
      const question = "curl -si http://localhost:8080/api/v1/blockchain";
      const { stdout } = await coracle.sh(`kubectl exec -n blockchain webserver-0 -c blockchain-node -- ${question}`);
      return /^ratelimit-mode: (\w+)/im.exec(stdout)?.[1];
    };
    await coracle.ok("kubectl scale deployment redis -n blockchain --replicas=0");
    await until(mode, (now) => now === "local", 60_000);
    await coracle.ok("kubectl scale deployment redis -n blockchain --replicas=1");
    await until(mode, (now) => now === "shared", 60_000);
  }, 150_000);

  it("configuration: an edited ConfigMap, an applied Secret and applied limits are in force after a restart", async () => {
    await edit("03-secrets.yaml", "admin-secret", "changed-secret");
    await edit("14-configmap-rate-limit.yaml", "tokens_count = 20", "tokens_count = 7");
    await check({ line: "kubectl apply -f 03-secrets.yaml", shows: [/secret\/blockchain-secrets configured/] });
    await check({
      line: "kubectl apply -f 14-configmap-rate-limit.yaml",
      shows: [/configmap\/rate-limit-settings configured/],
    });
    await check({
      line: "kubectl edit configmap blockchain-config -n blockchain",
      shows: [/configmap\/blockchain-config edited/],
      env: editor('MINING_THREADS: "1"', 'MINING_THREADS: "2"'),
    });
    await check({
      line: "kubectl rollout restart statefulset/webserver -n blockchain",
      shows: [/webserver restarted/],
    });
    await check({ line: "kubectl rollout restart statefulset/miner -n blockchain", shows: [/miner restarted/] });
    for (const set of ["webserver", "miner"])
      await check({
        line: `kubectl rollout status statefulset/${set} -n blockchain`,
        shows: rolledOut,
        timeoutMs: 180_000,
      });
    await check({
      line: "kubectl exec -n blockchain webserver-0 -- curl -si -H 'X-API-Key: changed-secret' http://localhost:8080/api/admin/blockchain",
      shows: [/^HTTP\/1.1 200/m, /x-ratelimit-limit: 7/i],
    });
    await check({ line: "kubectl exec -n blockchain miner-0 -- env", shows: [/MINING_THREADS=2/] });
  }, 400_000);

  rows("image", [
    {
      line: "kubectl set image statefulset/webserver blockchain-node=blockchain-node:v1.1.0 -n blockchain",
      shows: [/statefulset.apps\/webserver image updated/],
    },
    { line: "kubectl rollout status statefulset/webserver -n blockchain", shows: rolledOut, timeoutMs: 180_000 },
    { line: "kubectl rollout undo statefulset/webserver -n blockchain", shows: [/webserver rolled back/] },
    { line: "kubectl rollout status statefulset/webserver -n blockchain", shows: rolledOut, timeoutMs: 180_000 },
    {
      line: "kubectl get statefulset webserver -n blockchain -o jsonpath='{.spec.template.spec.containers[0].image}'",
      shows: [/^blockchain-node:latest$/],
    },
  ]);

  it("scaling: to five and three, once the autoscalers no longer decide", async () => {
    await check({
      line: "kubectl delete hpa miner-hpa webserver-hpa -n blockchain",
      shows: [/"miner-hpa" deleted/, /"webserver-hpa" deleted/],
    });
    await check({
      line: "kubectl scale statefulset webserver -n blockchain --replicas=5",
      shows: [/statefulset.apps\/webserver scaled/],
    });
    await check({
      line: "kubectl scale statefulset miner -n blockchain --replicas=3",
      shows: [/statefulset.apps\/miner scaled/],
    });
    await until(
      async () => [await readyPods("webserver"), await readyPods("miner")],
      ([webservers, miners]) => webservers === 5 && miners === 3,
      180_000,
    );
    const tipOf = async (pod: string): Promise<{ height: number; peers: number }> =>
      JSON.parse(await coracle.ok(`kubectl exec -n blockchain ${pod} -- blockchain status --json`));
    const { height } = await tipOf("miner-0");
    await until(
      () => tipOf("webserver-4"),
      (tip) => tip.height >= height && tip.peers > 0,
      60_000,
    );
  }, 300_000);

  rows("a Deployment of old", [
    { line: "kubectl get deployment -n blockchain", shows: [/redis +1\/1/] },
    { line: "kubectl get statefulset -n blockchain", shows: [/miner +3\/3/, /webserver +5\/5/] },
    {
      line: "kubectl delete deployment webserver -n blockchain",
      shows: [/deployments.apps "webserver" not found/],
      code: 1,
    },
  ]);

  rows("clean-up", [
    {
      line: "./undeploy.sh",
      shows: [/statefulset.apps "webserver" deleted/, /The blockchain is down/, /miner-wallets-miner-0 +Bound/],
      timeoutMs: 180_000,
    },
    { line: "kubectl delete namespace blockchain", shows: [/namespace "blockchain" deleted/] },
    { line: "kubectl get namespace blockchain", shows: [/namespaces "blockchain" not found/], code: 1 },
  ]);

  it("leaves nothing behind", async () => {
    expect(await coracle.ok("kubectl get pods -A --no-headers")).toBe("");
  }, 30_000);
});
