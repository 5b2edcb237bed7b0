/** The commands of the kvstore deployment guide, word for word, by the real kubectl, in the guide's order. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { program } from "../../../../scripts/testing/programs.ts";
import { root } from "../../../../scripts/testing/sources.ts";
import { editor, guide } from "./guide.ts";
import { type Installation, install, until } from "./installation.ts";

const kubectl = program("kubectl");

let coracle: Installation;
beforeAll(async () => {
  coracle = await install();
  await coracle.ok("coracle cluster start", { timeoutMs: 300_000 });
}, 320_000);
afterAll(() => coracle?.remove(), 120_000);

const cwd = join(root, "systems", "kvstore");

const { check, rows } = guide(
  () => coracle,
  () => cwd,
);

const allReady = async (replicas: number): Promise<void> => {
  await coracle.ok(`kubectl rollout status statefulset -n kvstore kvstore --timeout=60s`);
  await until(
    () => coracle.ok("kubectl get pods -n kvstore -l app=kvstore --no-headers"),
    (text) => (text.match(/1\/1 +Running/g) ?? []).length === replicas,
  );
  await until(
    () => coracle.ok("kubectl get pods -n kvstore -l role=master -o name"),
    (text) => text.trim() !== "",
  );
};

describe.runIf(kubectl)("the guide's commands", () => {
  rows("deploy", [
    { line: "kubectl create namespace kvstore", shows: [/namespace\/kvstore created/] },
    {
      line: "kubectl apply -f k8s/",
      shows: [/statefulset.apps\/kvstore created/, /cronjob.batch\/kvstore-backup created/],
    },
    { line: "kubectl apply -f k8s/namespace.yaml", shows: [/namespace\/kvstore (configured|unchanged)/] },
    { line: "kubectl apply -f k8s/configmap.yaml", shows: [/configmap\/kvstore-config unchanged/] },
    { line: "kubectl apply -f k8s/service-headless.yaml", shows: [/service\/kvstore-headless unchanged/] },
    { line: "kubectl apply -f k8s/service-master.yaml", shows: [/service\/kvstore-master unchanged/] },
    { line: "kubectl apply -f k8s/statefulset.yaml", shows: [/statefulset.apps\/kvstore (configured|unchanged)/] },
    {
      line: "kubectl apply -f k8s/pdb.yaml",
      shows: [/poddisruptionbudget.policy\/kvstore-pdb (configured|unchanged)/],
    },
    {
      line: "kubectl apply -f k8s/networkpolicy.yaml",
      shows: [/networkpolicy.networking.k8s.io\/kvstore-netpol unchanged/],
    },
    { line: "kubectl apply -f k8s/backup-pvc.yaml", shows: [/persistentvolumeclaim\/backup-pvc unchanged/] },
    { line: "kubectl apply -f k8s/cronjob-backup.yaml", shows: [/cronjob.batch\/kvstore-backup unchanged/] },
  ]);

  it("deploy: three pods become ready, one with role=master", () => allReady(3), 90_000);

  rows("status", [
    {
      line: "kubectl get pods -n kvstore -w",
      shows: [/kvstore-0 +1\/1 +Running/, /kvstore-2 +1\/1 +Running/],
      code: null,
    },
    {
      line: "kubectl get all -n kvstore",
      shows: [/pod\/kvstore-0/, /service\/kvstore-master +LoadBalancer/, /statefulset.apps\/kvstore +3\/3/],
    },
    { line: "kubectl get pods -n kvstore", shows: [/NAME +READY +STATUS +RESTARTS +AGE/] },
    {
      line: "kubectl describe pod -n kvstore kvstore-0",
      shows: [/init-kvstore/, /Ready +True/, /Successfully assigned kvstore\/kvstore-0/],
    },
    {
      line: "kubectl get events -n kvstore --sort-by='.lastTimestamp'",
      shows: [/LAST SEEN +TYPE +REASON/, /SuccessfulCreate/],
    },
    {
      line: "kubectl get svc -n kvstore",
      shows: [/kvstore-headless +ClusterIP +None/, /kvstore-master +LoadBalancer +127\./],
    },
    { line: "kubectl get pvc -n kvstore", shows: [/data-kvstore-0 +Bound +pvc-\S+ +50Gi +RWO/, /backup-pvc +Bound/] },
    { line: "kubectl describe pvc -n kvstore data-kvstore-0", shows: [/Status: +Bound/, /Used By: +kvstore-0/] },
    { line: "kubectl exec -n kvstore kvstore-0 -- df -h /data", shows: [/Filesystem +Size +Used +Avail/, /\/data$/m] },
    { line: "kubectl exec -n kvstore kvstore-0 -- ls -la /data", shows: [/total \d+/] },
    { line: "kubectl describe pod -n kvstore kvstore-0 | grep -A 5 Volumes", shows: [/data:\n/] },
    { line: "kubectl top pods -n kvstore", shows: [/NAME +CPU\(cores\) +MEMORY\(bytes\)/, /kvstore-0 +\d+m +\d+Mi/] },
    { line: "kubectl describe pod -n kvstore kvstore-0 | grep -A 10 Limits", shows: [/memory:/] },
    {
      line: "kubectl run -it --rm debug --image=busybox --restart=Never -n kvstore -- \\\n  telnet kvstore-master 5555",
      shows: [/\+PONG/, /pod "debug" deleted/],
      code: "any",
      input: "PING\r\nQUIT\r\n",
    },
  ]);

  rows("logs", [
    { line: "kubectl logs -f -n kvstore kvstore-0", shows: [/Starting as (MASTER|REPLICA)/], code: null },
    { line: "kubectl logs -n kvstore -l app=kvstore --tail=50", shows: [/Starting as MASTER/, /Starting as REPLICA/] },
    { line: "kubectl logs -n kvstore kvstore-0 -c init-kvstore", shows: [/MASTER/] },
    { line: "kubectl logs -n kvstore kvstore-0 | grep -i repl", shows: [/repl/i] },
  ]);

  rows("replication", [
    {
      line: "kubectl exec -n kvstore kvstore-1 -- \\\n  nc -zv kvstore-0.kvstore-headless 5555",
      shows: [/succeeded|open/],
    },
    {
      line: "kubectl exec -n kvstore kvstore-1 -- \\\n  nslookup kvstore-0.kvstore-headless",
      shows: [/Address:? +127\./],
    },
  ]);

  it("port-forward: kubectl port-forward -n kvstore kvstore-0 5555:5555", async () => {
    // Another port on this side: 5555 belongs to the load balancer here.
    const line = `kubectl port-forward -n kvstore kvstore-0 15555:5555 & forward=$!
      trap 'kill $forward' EXIT
      for attempt in $(seq 100); do nc -z 127.0.0.1 15555 && break; sleep 0.1; done
      kvstore --port 15555 put testkey testvalue && kvstore --port 15555 read testkey`;
    const outcome = await coracle.sh(line, { cwd });
    expect(outcome.output).toContain("Forwarding from 127.0.0.1:15555 -> 5555");
    expect(outcome.stdout).toMatch(/OK\s+(.*\n)*testvalue/);
  }, 60_000);

  it("promotion: by MASTER_ORDINAL in the ConfigMap and deletion of the pods", async () => {
    await check({
      line: "kubectl edit configmap -n kvstore kvstore-config",
      shows: [/edited/],
      env: editor('MASTER_ORDINAL: "0"', 'MASTER_ORDINAL: "1"'),
    });
    await check({
      line: "kubectl delete pod -n kvstore kvstore-0 kvstore-1 kvstore-2",
      shows: [/pod "kvstore-2" deleted/],
    });
    await until(
      () => coracle.ok("kubectl get pods -n kvstore -l role=master -o name"),
      (text) => text.trim() === "pod/kvstore-1",
      60_000,
    );
    await allReady(3);
    await check({ line: 'kubectl logs -n kvstore kvstore-1 | grep "Starting as MASTER"', shows: [/MASTER/] });
  }, 120_000);

  it("scaling: to five and back to three, claims retained", async () => {
    await check({
      line: "kubectl scale statefulset -n kvstore kvstore --replicas=5",
      shows: [/statefulset.apps\/kvstore scaled/],
    });
    await allReady(5);
    await check({ line: "kubectl scale statefulset -n kvstore kvstore --replicas=3", shows: [/scaled/] });
    await allReady(3);
    await check({ line: "kubectl get pvc -n kvstore", shows: [/data-kvstore-4 +Bound/] });
  }, 180_000);

  it("upgrade: edit the StatefulSet's limits and see every pod replaced", async () => {
    const before = await coracle.ok("kubectl get pods -n kvstore -o jsonpath='{.items[*].metadata.uid}'");
    await check({
      line: "kubectl edit statefulset -n kvstore kvstore",
      shows: [/edited/],
      env: editor("memory: 1Gi", "memory: 2Gi"),
    });
    await allReady(3);
    const after = await coracle.ok("kubectl get pods -n kvstore -o jsonpath='{.items[*].metadata.uid}'");
    expect(after.split(" ").filter((uid) => before.includes(uid))).toEqual([]);
  }, 180_000);

  it("backup: a job from the CronJob writes a backup", async () => {
    await check({
      line: "kubectl create job -n kvstore --from=cronjob/kvstore-backup backup-now",
      shows: [/job.batch\/backup-now created/],
    });
    await check({
      line: "kubectl wait -n kvstore --for=condition=complete job/backup-now --timeout=60s",
      shows: [/condition met/],
    });
  }, 90_000);

  rows("clean-up", [
    { line: "kubectl delete statefulset -n kvstore kvstore", shows: [/statefulset.apps "kvstore" deleted/] },
    {
      line: "kubectl delete svc -n kvstore --all",
      shows: [/service "kvstore-headless" deleted/, /service "kvstore-master" deleted/],
    },
    { line: "kubectl delete pvc -n kvstore --all", shows: [/persistentvolumeclaim "data-kvstore-0" deleted/] },
    { line: "kubectl delete configmap -n kvstore kvstore-config", shows: [/configmap "kvstore-config" deleted/] },
    { line: "kubectl delete namespace kvstore", shows: [/namespace "kvstore" deleted/] },
    { line: "kubectl get namespace kvstore", shows: [/namespaces "kvstore" not found/], code: 1 },
  ]);
});
