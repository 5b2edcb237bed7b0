/** The real kubectl against the API server. What it prints is what users see, so its words are compared. */
import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { program } from "../../../../scripts/testing/programs.ts";
import { kubeconfig } from "../../src/apiserver/kubeconfig.ts";
import { type Fixture, startFixture } from "./fixture.ts";

const hasKubectl = program("kubectl") !== undefined;

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

let fixture: Fixture;
let home: string;

beforeAll(async () => {
  if (!hasKubectl) return;
  fixture = await startFixture();
  home = await mkdtemp(join(tmpdir(), "coracle-kubectl-"));
  const { server, pki } = fixture;
  await writeFile(join(home, "config"), kubeconfig({ url: server.url, caPem: pki.caPem, token: pki.adminToken }));
});
afterAll(async () => {
  if (!hasKubectl) return;
  await fixture.stop();
  await rm(home, { recursive: true });
});

/** Runs a line of words; `stdin` is what `-f -` reads. */
function kubectl(
  line: string,
  { stdin = "", env = {} }: { stdin?: string; env?: Record<string, string> } = {},
): Promise<Run> {
  const environment = { PATH: process.env.PATH ?? "", HOME: home, KUBECONFIG: join(home, "config"), ...env };
  return new Promise((resolve) => {
    const child = execFile("kubectl", split(line), { env: environment, timeout: 15_000 }, (error, out, err) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      resolve({ code, out, err });
    });
    child.stdin?.end(stdin);
  });
}

/** Words, where single quotes keep spaces. */
const split = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? "");

const ok = async (line: string, options: Parameters<typeof kubectl>[1] = {}): Promise<string> => {
  const { code, out, err } = await kubectl(line, options);
  expect(`${code} ${err}`, `kubectl ${line}`).toMatch(/^0 /);
  return out;
};

const runningAndReady = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };

const deployment = (replicas: number, extra = "") => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: c, image: nginx, ports: [{containerPort: 80}]}]
${extra}`;

describe.skipIf(!hasKubectl)("kubectl", () => {
  it("knows the server and what it serves", async () => {
    expect(await ok("version")).toContain("Server Version: v1.36.0+coracle");
    expect(await ok("api-resources --api-group=apps -o name")).toContain("statefulsets.apps");
    expect(await ok("api-versions")).toContain("networking.k8s.io/v1");
    expect(await ok("get --raw /readyz")).toBe("ok");
    expect(await ok("auth whoami")).toMatch(/Username\s+kubernetes-admin/);
    expect(await ok("cluster-info")).toContain("is running at");
  });

  it("applies, compares, scales, patches, edits and deletes", async () => {
    expect(await ok("apply -f -", { stdin: deployment(2) })).toBe("deployment.apps/web created\n");
    expect(await ok("apply -f -", { stdin: deployment(2) })).toBe("deployment.apps/web unchanged\n");
    const diff = await kubectl("diff -f -", { stdin: deployment(3) });
    expect(diff.code).toBe(1);
    expect(diff.out).toContain("+  replicas: 3");
    expect(await ok("apply -f -", { stdin: deployment(3) })).toBe("deployment.apps/web configured\n");
    expect(await ok("get deploy")).toMatch(
      /^NAME\s+READY\s+UP-TO-DATE\s+AVAILABLE\s+AGE\nweb\s+0\/3\s+0\s+0\s+\d+s\n$/,
    );
    expect(await ok("get deploy web -o wide")).toMatch(/CONTAINERS\s+IMAGES\s+SELECTOR\n.*c\s+nginx\s+app=web\n$/);
    expect(await ok("scale deploy web --replicas=5")).toBe("deployment.apps/web scaled\n");
    expect(await ok('patch deploy web --subresource=scale --type=merge -p \'{"spec":{"replicas":6}}\'')).toContain(
      "patched",
    );
    expect(await ok("get deploy web -o jsonpath={.spec.replicas}")).toBe("6");
    expect(await ok("set image deploy/web c=busybox")).toBe("deployment.apps/web image updated\n");
    expect(await ok("label deploy web tier=front")).toBe("deployment.apps/web labeled\n");
    expect(await ok("annotate deploy web note=x")).toBe("deployment.apps/web annotated\n");
    expect(await ok("get deploy -l tier=front -o name")).toBe("deployment.apps/web\n");
    expect(await ok("describe deploy web")).toMatch(/Replicas:\s+6 desired/);
    const editor = join(home, "editor.sh");
    await writeFile(editor, '#!/bin/sh\nsed -i "s/replicas: 6/replicas: 7/" "$1"\n');
    await chmod(editor, 0o700);
    expect(await ok("edit deploy web", { env: { KUBE_EDITOR: editor } })).toBe("deployment.apps/web edited\n");
    expect(await ok("get deploy web -o jsonpath={.spec.replicas}")).toBe("7");
    const stale = deployment(1).replace("labels: {app: web}}", 'resourceVersion: "1"}');
    expect((await kubectl("replace -f -", { stdin: stale })).err).toContain("the object has been modified");
    expect(await ok("delete deploy web")).toMatch(/^deployment.apps "web" deleted/);
    expect((await kubectl("get deploy web")).err).toBe(
      'Error from server (NotFound): deployments.apps "web" not found\n',
    );
  });

  it("applies on the server, and names those it would take fields from", async () => {
    const map = (value: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ssa}\ndata: {k: ${value}}\n`;
    expect(await ok("apply --server-side -f -", { stdin: map("a") })).toBe("configmap/ssa serverside-applied\n");
    const other = await kubectl("apply --server-side --field-manager=other -f -", { stdin: map("b") });
    expect(other.err).toContain('Apply failed with 1 conflict: conflict with "kubectl": .data.k');
    await ok("apply --server-side --force-conflicts --field-manager=other -f -", { stdin: map("b") });
    expect(await ok("get cm ssa -o jsonpath={.data.k}")).toBe("b");
    expect(await ok("apply --dry-run=server -f -", { stdin: map("c") })).toContain("(server dry run)");
    expect(await ok("get cm ssa -o jsonpath={.data.k}")).toBe("b");
  });

  it("refuses fields that do not exist", async () => {
    const typo = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: t}\ndat: {k: v}\n";
    const { code, err } = await kubectl("apply -f -", { stdin: typo });
    expect(code).toBe(1);
    expect(err).toContain('strict decoding error: unknown field "dat"');
    const warned = await kubectl("apply --validate=warn -f -", { stdin: typo });
    expect(warned).toMatchObject({ code: 0, err: expect.stringContaining('Warning: unknown field "dat"') });
  });

  const creations: [line: string, check: string, output: string][] = [
    ["create ns made", "get ns made -o jsonpath={.status.phase}", "Active"],
    ["create cm made --from-literal=a=b --from-literal=c=", "get cm made -o jsonpath={.data}", '{"a":"b","c":""}'],
    ["create secret generic made --from-literal=a=b", "get secret made -o jsonpath={.data.a}", "Yg=="],
    ["create deploy made --image=x --replicas=0 --port=80", "get deploy made -o jsonpath={.spec.replicas}", "0"],
    ["create svc clusterip made --tcp=80:8080", "get svc made -o jsonpath={.spec.ports[0].targetPort}", "8080"],
    [
      "create job made --image=x -- echo hi",
      "get job made -o jsonpath={.spec.template.spec.containers[0].command}",
      '["echo","hi"]',
    ],
    ["create cronjob made --image=x '--schedule=* * * * *'", "get cj made -o jsonpath={.spec.schedule}", "* * * * *"],
    ["create pdb made --selector=a=b --min-available=1", "get pdb made -o jsonpath={.spec.minAvailable}", "1"],
    ["create ingress made --rule=a.b/=svc:80", "get ing made -o jsonpath={.spec.rules[0].host}", "a.b"],
    ["create sa made", "get sa made -o jsonpath={.metadata.name}", "made"],
    [
      "create role made --verb=get,list --resource=pods",
      "get role made -o jsonpath={.rules[0].verbs}",
      '["get","list"]',
    ],
    ["create rolebinding made --role=made --user=jane", "get rolebinding made -o jsonpath={.subjects[0].name}", "jane"],
    ["create priorityclass made --value=7", "get pc made -o jsonpath={.value}", "7"],
    ["run made --image=x --labels=a=b --env=K=V", "get pod made -o jsonpath={.spec.containers[0].env[0].value}", "V"],
    ["autoscale deploy made --max=3 --cpu-percent=50", "get hpa made -o jsonpath={.spec.maxReplicas}", "3"],
    ["expose deploy made --name=exposed --port=80", "get svc exposed -o jsonpath={.spec.selector.app}", "made"],
  ];
  it("creates each kind by its own command", async () => {
    for (const [line, check, output] of creations) {
      await ok(line);
      expect(await ok(check), line).toBe(output);
    }
  });

  it("asks and obeys RBAC", async () => {
    await ok("create role peek --verb=get --resource=pods,pods/log");
    await ok("create rolebinding peek --role=peek --user=kim");
    expect(await ok("auth can-i get pods --as=kim")).toBe("yes\n");
    expect(await ok("auth can-i get pods --subresource=log --as=kim")).toBe("yes\n");
    expect(await kubectl("auth can-i delete pods --as=kim")).toMatchObject({ code: 1, out: "no\n" });
    expect(await ok("auth can-i --list --as=kim")).toMatch(/pods\/log\s+\[\]\s+\[\]\s+\[get\]/);
    expect((await kubectl("get pods --as=kim")).err).toBe(
      'Error from server (Forbidden): pods is forbidden: User "kim" cannot list resource "pods" in API group "" in the namespace "default"\n',
    );
    const token = (await ok("create token default")).trim();
    expect(await ok(`auth whoami --token=${token}`)).toMatch(/Username\s+system:serviceaccount:default:default/);
    expect((await kubectl("get pods --token=wrong")).err).toBe(
      "error: You must be logged in to the server (Unauthorized)\n",
    );
    expect((await kubectl(`get cm --token=${token}`)).err).toContain(
      'User "system:serviceaccount:default:default" cannot list resource "configmaps"',
    );
  });

  it("explains", async () => {
    const text = await ok("explain sts.spec.replicas");
    expect(text).toContain("FIELD: replicas <integer>");
    expect(await ok("explain pod.spec.containers")).toMatch(/FIELD: containers <\[\]Container>/);
  });

  it("waits for a condition, and for an end", async () => {
    await ok("run waited --image=x");
    const isReady = kubectl("wait pod/waited --for=condition=Ready --timeout=10s");
    await fixture.store.modify(
      "pods",
      "default",
      "waited",
      (pod) => void Object.assign(pod, { status: runningAndReady }),
      { subresource: "status" },
    );
    expect(await isReady).toMatchObject({ code: 0, out: "pod/waited condition met\n" });
    const isGone = kubectl("wait pod/waited --for=delete --timeout=10s");
    await ok("delete pod waited --now");
    expect((await isGone).code).toBe(0);
  });

  it("shows usage", async () => {
    await ok("run used --image=x");
    expect(await ok("top pod used")).toMatch(/NAME\s+CPU\(cores\)\s+MEMORY\(bytes\)\s*\nused\s+12m\s+20Mi/);
  });

  it("serves custom resources as their definition says", async () => {
    const definition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, shortNames: [wd]}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer, description: How big.}}}}}}
    additionalPrinterColumns: [{name: Size, type: integer, jsonPath: .spec.size}]
`;
    await ok("apply -f -", { stdin: definition });
    await ok("apply -f -", {
      stdin: "apiVersion: example.org/v1\nkind: Widget\nmetadata: {name: w}\nspec: {size: 3}\n",
    });
    expect(await ok("get wd")).toMatch(/^NAME\s+SIZE\nw\s+3\n$/);
    expect(await ok("explain widget.spec.size")).toContain("How big.");
  });
});
