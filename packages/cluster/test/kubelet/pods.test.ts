import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { Pod } from "kubernetes-types/core/v1.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Fixture, isolationLevels, isReady, openFixture, phaseIs, sh } from "./cluster-fixture.ts";

const statusOf = (pod: Pod | undefined, index = 0) => pod?.status?.containerStatuses?.[index];
const forever = "trap 'exit 0' TERM; while :; do sleep 0.05; done";

describe.each(isolationLevels)("pods with isolation %s", (isolation) => {
  // What only one level has is no test of the other, and so not skipped there either.
  const only = (level: string) => (name: string, run: () => Promise<void>) => isolation === level && it(name, run);
  const withNamespaces = only("namespaces");
  const withPlain = only("plain");
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await openFixture(isolation);
  });
  afterAll(() => fixture.close());

  const removed = async (name: string, gracePeriodSeconds?: number): Promise<void> => {
    await fixture.store.delete("pods", "default", name, gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds });
    await fixture.until(name, (pod) => pod === undefined);
  };

  it("takes the level asked for", () => expect(fixture.kubelet.isolation).toBe(isolation));

  it("runs init containers in order, then the main container to its end", async () => {
    const work = { volumeMounts: [{ name: "work", mountPath: "/work-dir" }] };
    await fixture.run("job", {
      restartPolicy: "Never",
      volumes: [{ name: "work", emptyDir: {} }],
      initContainers: [
        { ...sh("one", "echo one >> /work-dir/log"), ...work },
        { ...sh("two", "echo two >> /work-dir/log"), ...work },
      ],
      containers: [{ ...sh("main", "cat /work-dir/log; echo done; exit 3"), ...work }],
    });
    const pod = await fixture.until("job", phaseIs("Failed"));
    expect(await fixture.logs("job")).toBe("one\ntwo\ndone\n");
    expect(statusOf(pod)?.state?.terminated).toMatchObject({ exitCode: 3, reason: "Error" });
    const inits = pod.status?.initContainerStatuses?.map(({ state }) => state?.terminated?.reason);
    expect(inits).toEqual(["Completed", "Completed"]);
  });

  it("is ready at once without probes, and ends by TERM on deletion", async () => {
    await fixture.run("web", { terminationGracePeriodSeconds: 10, containers: [sh("main", forever)] });
    const pod = await fixture.until("web", isReady);
    const address = expect.stringMatching(/^127\./);
    expect(pod.status).toMatchObject({ phase: "Running", hostIP: address, podIP: address, qosClass: "BestEffort" });
    let last: Pod | undefined;
    const stop = fixture.store.subscribe("pods", ({ object }) => {
      if (object.metadata.name === "web") last = object;
    });
    await removed("web");
    stop();
    expect(statusOf(last)?.state?.terminated).toMatchObject({ exitCode: 0, reason: "Completed" });
    expect(fixture.events.map(({ reason }) => reason)).toContain("Killing");
  });

  it("ends what ignores TERM by KILL after the grace period: 137", async () => {
    await fixture.run("stubborn", { containers: [sh("main", "trap '' TERM; while :; do sleep 0.05; done")] });
    await fixture.until("stubborn", isReady);
    const codes: (number | undefined)[] = [];
    const stop = fixture.store.subscribe("pods", ({ object }) => {
      if (object.metadata.name === "stubborn") codes.push(statusOf(object)?.state?.terminated?.exitCode);
    });
    await removed("stubborn", 1);
    stop();
    expect(codes).toContain(137);
  });

  it("restarts with a back-off and shows the last end", async () => {
    await fixture.run("crash", { containers: [sh("main", "echo run; exit 7")] });
    const backingOff = (each: Pod | undefined) =>
      statusOf(each)?.state?.waiting?.reason === "CrashLoopBackOff" && (statusOf(each)?.restartCount ?? 0) >= 2;
    const pod = await fixture.until("crash", backingOff);
    expect(statusOf(pod)?.lastState?.terminated).toMatchObject({ exitCode: 7, reason: "Error" });
    expect(statusOf(pod)?.state?.waiting?.message).toMatch(
      /^back-off 0\.\ds restarting failed container=main pod=crash_default\(/,
    );
    expect(await fixture.logs("crash", { previous: true })).toBe("run\n");
    await removed("crash");
  });

  it("does not restart what succeeded under OnFailure", async () => {
    await fixture.run("once", { restartPolicy: "OnFailure", containers: [sh("main", "exit 0")] });
    const pod = await fixture.until("once", phaseIs("Succeeded"));
    expect(statusOf(pod)).toMatchObject({ restartCount: 0, state: { terminated: { reason: "Completed" } } });
  });

  it("fills the environment and expands commands", async () => {
    const { store } = fixture;
    const metadata = { name: "settings", namespace: "default" };
    await store.create("configmaps", { metadata, data: { MODE: "fast" } });
    await store.create("secrets", { metadata, data: { TOKEN: Buffer.from("hidden").toString("base64") } });
    const env = [
      { name: "NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
      { name: "TIER", valueFrom: { fieldRef: { fieldPath: "metadata.labels['tier']" } } },
      { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
      { name: "CPU", valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "1m" } } },
      { name: "SECRET", valueFrom: { secretKeyRef: { name: "settings", key: "TOKEN" } } },
      { name: "MIXED", value: "$(NAME)-$(MODE)-$$(X)-$(UNKNOWN)" },
    ];
    const main = {
      ...sh("main", 'echo $NAME $TIER $IP $CPU $SECRET; echo "$MIXED"; echo $0 $KUBERNETES_SERVICE_PORT'),
      args: ["$(NAME)"],
      env,
      envFrom: [{ configMapRef: { name: "settings" } }],
      resources: { limits: { cpu: "250m" } },
    };
    await fixture.run(
      "env",
      { restartPolicy: "Never", containers: [main] },
      { name: "env", namespace: "default", labels: { tier: "gold" } },
    );
    const pod = await fixture.until("env", phaseIs("Succeeded"));
    expect(await fixture.logs("env")).toBe(
      `env gold ${pod.status?.podIP} 250 hidden\nenv-fast-$(X)-$(UNKNOWN)\nenv 6443\n`,
    );
  });

  it("waits for a config map that is missing, and goes on when it appears", async () => {
    const ref = { configMapKeyRef: { name: "later", key: "x" } };
    await fixture.run("waiting", { containers: [{ ...sh("main", forever), env: [{ name: "X", valueFrom: ref }] }] });
    const pod = await fixture.until(
      "waiting",
      (each) => statusOf(each)?.state?.waiting?.reason === "CreateContainerConfigError",
    );
    expect(statusOf(pod)?.state?.waiting?.message).toBe('configmap "later" not found');
    await fixture.store.create("configmaps", { metadata: { name: "later", namespace: "default" }, data: { x: "1" } });
    await fixture.until("waiting", isReady);
    await removed("waiting");
  });

  it("mounts volumes, and shows changes of a config map without a restart", async () => {
    const { store } = fixture;
    await store.create("configmaps", { metadata: { name: "files", namespace: "default" }, data: { "a.txt": "one" } });
    await fixture.run(
      "volumes",
      {
        volumes: [
          { name: "config", configMap: { name: "files" } },
          { name: "info", downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] } },
        ],
        containers: [
          {
            ...sh("main", forever),
            volumeMounts: [
              { name: "config", mountPath: "/app/config" },
              { name: "info", mountPath: "/pod-info" },
              { name: "config", mountPath: "/single/b.txt", subPath: "a.txt" },
            ],
          },
        ],
      },
      { name: "volumes", namespace: "default", labels: { app: "x" } },
    );
    await fixture.until("volumes", isReady);
    expect(
      (await fixture.exec("volumes", "cat", "/app/config/a.txt", "/pod-info/labels", "/single/b.txt")).stdout,
    ).toBe('oneapp="x"one');
    await store.modify("configmaps", "default", "files", (draft) => {
      draft.data = { "a.txt": "two" };
    });
    await expect.poll(async () => (await fixture.exec("volumes", "cat", "/app/config/a.txt")).stdout).toBe("two");
    // A subPath keeps what it was given, where there is a mount that can keep it.
    const kept = isolation === "namespaces" ? "one" : "two";
    expect((await fixture.exec("volumes", "cat", "/single/b.txt")).stdout).toBe(kept);
    await removed("volumes");
  });

  it("shows labels that change, and makes a working folder that is missing", async () => {
    const info = { path: "role", fieldRef: { fieldPath: "metadata.labels['role']" } };
    const main = {
      ...sh("main", forever),
      workingDir: "/app/made",
      volumeMounts: [{ name: "info", mountPath: "/pod-info" }],
    };
    await fixture.run("labelled", { volumes: [{ name: "info", downwardAPI: { items: [info] } }], containers: [main] });
    await fixture.until("labelled", isReady);
    expect((await fixture.exec("labelled", "pwd")).stdout).toMatch(/\/app\/made\n$/);
    await fixture.store.modify("pods", "default", "labelled", (draft) => {
      draft.metadata = { ...draft.metadata, labels: { role: "master" } };
    });
    await expect.poll(async () => (await fixture.exec("labelled", "cat", "/pod-info/role")).stdout).toBe("master");
    await removed("labelled");
  });

  withNamespaces("gives the container a root of its own", async () => {
    await fixture.run("rooted", { containers: [{ ...sh("main", forever) }] });
    await fixture.until("rooted", isReady);
    const script = "hostname; touch /usr/mine /tmp/mine && ls /tmp /var; cat /etc/hosts /etc/resolv.conf; ps | wc -l";
    const { stdout } = await fixture.exec("rooted", "sh", "-c", script);
    expect(stdout).toMatch(/^rooted\n/);
    expect(stdout).toContain("search default.svc.cluster.local");
    expect(existsSync("/usr/mine")).toBe(false);
    expect(existsSync("/tmp/mine")).toBe(false);
    expect(Number(stdout.trim().split("\n").at(-1))).toBeLessThan(12);
    await removed("rooted");
  });

  withNamespaces("lets process 1 stand for the program, as in any container", async () => {
    await fixture.run("first", {
      containers: [sh("main", "trap 'exit 9' TERM; touch /tmp/up; while :; do sleep 0.05; done")],
    });
    await fixture.until("first", isReady);
    await expect.poll(async () => (await fixture.exec("first", "test", "-e", "/tmp/up")).exitCode).toBe(0);
    await fixture.exec("first", "kill", "1");
    const pod = await fixture.until("first", (each) => statusOf(each)?.restartCount === 1);
    expect(statusOf(pod)?.lastState?.terminated?.exitCode).toBe(9);
    await removed("first");
  });

  withNamespaces("honours a read-only root, volumes excepted", async () => {
    const main = {
      ...sh("main", forever),
      securityContext: { readOnlyRootFilesystem: true },
      volumeMounts: [{ name: "w", mountPath: "/w" }],
    };
    await fixture.run("sealed", { volumes: [{ name: "w", emptyDir: {} }], containers: [main] });
    await fixture.until("sealed", isReady);
    const touch = async (path: string) => (await fixture.exec("sealed", "touch", path)).exitCode;
    expect([await touch("/usr/x"), await touch("/x"), await touch("/tmp/x"), await touch("/w/x")]).toEqual([
      1, 1, 1, 0,
    ]);
    await removed("sealed");
  });

  withPlain("points a kubeconfig at the pod's token", async () => {
    await fixture.run("client", { restartPolicy: "Never", containers: [sh("main", "cat $KUBECONFIG")] });
    await fixture.until("client", phaseIs("Succeeded"));
    const kubeconfig = JSON.parse(await fixture.logs("client")) as { users: [{ user: { tokenFile: string } }] };
    expect(kubeconfig.users[0].user.tokenFile).toMatch(/\/volumes\/kube-api-access[^/]*\/token$/);
  });

  it("gives the pod its token", async () => {
    const script =
      "cat /var/run/secrets/kubernetes.io/serviceaccount/token; echo; cat /var/run/secrets/kubernetes.io/serviceaccount/namespace";
    await fixture.run("token", { restartPolicy: "Never", containers: [sh("main", script)] });
    await fixture.until("token", phaseIs("Succeeded"));
    expect(await fixture.logs("token")).toBe("token-of-default\ndefault");
  });

  it("executes commands with their exit codes, streams apart", async () => {
    await fixture.run("shell", { containers: [{ ...sh("main", forever), env: [{ name: "COLOR", value: "blue" }] }] });
    await fixture.until("shell", isReady);
    const ended = await fixture.exec("shell", "sh", "-c", "echo $COLOR; echo bad >&2; exit 42");
    expect(ended).toEqual({ exitCode: 42, stdout: "blue\n", stderr: "bad\n" });
    await expect(fixture.exec("shell", "no-such-program")).rejects.toThrow(
      /^Internal error occurred: error executing command in container: failed to exec in container: failed to start exec "[0-9a-f]{64}": OCI runtime exec failed: exec failed: unable to start container process: exec: "no-such-program": executable file not found in \$PATH: unknown$/,
    );
    const ofShell = await fixture.exec("shell", "sh", "-c", "no-such-program");
    expect(ofShell).toMatchObject({ exitCode: 127, stderr: expect.stringContaining("no-such-program") });
    await removed("shell");
  });

  it("tells of an unknown image, and how to map it", async () => {
    await fixture.run("ghost", { containers: [{ name: "main", image: "ghcr.io/nobody/ghost:1" }] });
    const pod = await fixture.until("ghost", (each) => statusOf(each)?.state?.waiting?.reason === "ImagePullBackOff");
    expect(pod.status?.phase).toBe("Pending");
    const messages = fixture.events.filter(({ reason }) => reason === "Failed").map(({ message }) => message);
    expect(messages.join("\n")).toMatch(/Failed to pull image "ghcr\.io\/nobody\/ghost:1": .*`images`/);
    await removed("ghost");
  });

  it("reports a command that does not exist as StartError", async () => {
    await fixture.run("typo", {
      restartPolicy: "Never",
      containers: [{ name: "main", image: "busybox", command: ["no-such-program"] }],
    });
    const pod = await fixture.until("typo", phaseIs("Failed"));
    expect(statusOf(pod)?.state?.terminated).toMatchObject({ exitCode: 128, reason: "StartError" });
    expect(statusOf(pod)?.state?.terminated?.message).toContain(
      'exec: "no-such-program": executable file not found in $PATH',
    );
  });

  it("is ready when its readiness probe succeeds, and restarts when liveness fails", async () => {
    const server = createServer((_, response) => response.writeHead(healthy ? 200 : 503).end());
    let healthy = false;
    const listening = new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
    });
    const httpGet = { host: "127.0.0.1", port: await listening, path: "/" };
    await fixture.run("probed", {
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          ...sh("main", forever),
          readinessProbe: { httpGet, periodSeconds: 1 },
          livenessProbe: {
            exec: { command: ["sh", "-c", "test ! -e /work-dir/sick"] },
            periodSeconds: 1,
            failureThreshold: 1,
          },
          volumeMounts: [{ name: "work", mountPath: "/work-dir" }],
        },
      ],
      volumes: [{ name: "work", emptyDir: {} }],
    });
    const pod = await fixture.until("probed", (each) => statusOf(each)?.started === true);
    expect(isReady(pod)).toBe(false);
    healthy = true;
    await fixture.until("probed", isReady);
    await fixture.exec("probed", "touch", "/work-dir/sick");
    await fixture.until("probed", (each) => (statusOf(each)?.restartCount ?? 0) > 0);
    expect(fixture.events.some(({ message }) => message.startsWith("Liveness probe failed"))).toBe(true);
    await removed("probed");
    server.close();
  });

  it("runs lifecycle hooks", async () => {
    const hook = (script: string) => ({ exec: { command: ["sh", "-c", script] } });
    const folder = `${fixture.dir}/hooks`;
    await fixture.run("hooks", {
      volumes: [{ name: "out", hostPath: { path: folder, type: "DirectoryOrCreate" } }],
      containers: [
        {
          ...sh("main", forever),
          lifecycle: { postStart: hook("echo started >> /out/log"), preStop: hook("echo stopping >> /out/log") },
          volumeMounts: [{ name: "out", mountPath: "/out" }],
        },
      ],
    });
    await fixture.until("hooks", isReady);
    await removed("hooks");
    expect(readFileSync(`${folder}/log`, "utf8")).toBe("started\nstopping\n");
  });

  it("ends a pod at its deadline", async () => {
    await fixture.run("late", { activeDeadlineSeconds: 1, containers: [sh("main", forever)] });
    const pod = await fixture.until("late", phaseIs("Failed"));
    expect(pod.status).toMatchObject({ reason: "DeadlineExceeded" });
  });

  it("measures what a pod uses", async () => {
    await fixture.run("busy", { containers: [sh("main", forever)] });
    await fixture.until("busy", isReady);
    const [usage] = (await fixture.kubelet.usage({ namespace: "default", name: "busy" })) ?? [];
    expect(usage).toMatchObject({ name: "main", memoryBytes: expect.any(Number) });
    expect(usage?.memoryBytes).toBeGreaterThan(100_000);
    await removed("busy");
  });
});
