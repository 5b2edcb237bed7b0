/** The servers behind well-known images, at both levels of isolation. */
import { createServer } from "node:net";
import type { Pod, PodSpec } from "kubernetes-types/core/v1.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { program } from "../../../../scripts/testing/programs.ts";
import { addressPlan } from "../../src/network/addresses.ts";
import { preloadEnvironment } from "../../src/network/preload/environment.ts";
import { type Fixture, isolationLevels, isReady, openFixture, testNetwork } from "../kubelet/cluster-fixture.ts";

const plan = addressPlan(testNetwork);

/** Ports below 1024 are not for everyone. */
const mayTakePort80 = await new Promise<boolean>((resolve) => {
  const server = createServer();
  server.on("error", () => resolve(false));
  server.listen(80, plan.pods.at(2000), () => server.close(() => resolve(true)));
});
if (!mayTakePort80) console.warn("SKIPPED: this user may not listen on port 80, so nginx and httpd are not tested");

describe.each(isolationLevels)("servers with isolation %s", (level) => {
  let fixture: Fixture;
  beforeAll(async () => {
    const environment = (podIp: string, pod: Pod) => preloadEnvironment({ plan, podIp, pod });
    fixture = await openFixture(level, { preload: { environment } });
  });
  afterAll(() => fixture.close());

  const up = async (name: string, spec: Partial<PodSpec>): Promise<string> => {
    const readinessProbe = {
      tcpSocket: { port: spec.containers?.[0]?.ports?.[0]?.containerPort ?? 80 },
      periodSeconds: 1,
    };
    const containers = (spec.containers ?? []).map((each) => ({ readinessProbe, ...each }));
    await fixture.run(name, { terminationGracePeriodSeconds: 1, ...spec, containers });
    return (await fixture.until(name, isReady)).status?.podIP ?? "";
  };
  const get = async (url: string) => {
    const response = await fetch(url);
    return { status: response.status, text: await response.text() };
  };

  it.runIf(mayTakePort80)("nginx welcomes, takes what is put into its folder, and logs", async () => {
    const ip = await up("nginx", { containers: [{ name: "main", image: "nginx:1.27" }] });
    expect((await get(`http://${ip}/`)).text).toContain("<title>Welcome to nginx!</title>");
    await fixture.exec("nginx", "sh", "-c", "echo hi from $(hostname) > /usr/share/nginx/html/index.html");
    expect(await get(`http://${ip}/`)).toEqual({ status: 200, text: "hi from nginx\n" });
    expect((await get(`http://${ip}/missing`)).status).toBe(404);
    expect((await get(`http://${ip}/..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd`)).status).toBe(404);
    await expect.poll(() => fixture.logs("nginx")).toMatch(/"GET \/ HTTP\/1\.1" 200 14 "-" "[^"]+" "-"/);
  });

  it.runIf(mayTakePort80)("nginx serves volumes and reads its configuration", async () => {
    const { store } = fixture;
    const config = "server { listen 8080; location / { return 200 'configured'; } location /page { root /site; } }";
    await store.create("configmaps", { metadata: { name: "site", namespace: "default" }, data: { page: "mounted" } });
    await store.create("configmaps", { metadata: { name: "conf", namespace: "default" }, data: { "a.conf": config } });
    const ip = await up("site", {
      volumes: [
        { name: "html", configMap: { name: "site" } },
        { name: "conf", configMap: { name: "conf" } },
      ],
      containers: [
        {
          name: "main",
          image: "nginx",
          ports: [{ containerPort: 8080 }],
          volumeMounts: [
            { name: "html", mountPath: "/usr/share/nginx/html" },
            { name: "conf", mountPath: "/etc/nginx/conf.d" },
          ],
        },
      ],
    });
    expect((await get(`http://${ip}:8080/`)).text).toBe("configured");
    const plainIp = await up("html", {
      volumes: [{ name: "html", configMap: { name: "site" } }],
      containers: [
        { name: "main", image: "nginx", volumeMounts: [{ name: "html", mountPath: "/usr/share/nginx/html" }] },
      ],
    });
    expect((await get(`http://${plainIp}/page`)).text).toBe("mounted");
  });

  it.runIf(mayTakePort80)("httpd works", async () => {
    const ip = await up("httpd", { containers: [{ name: "main", image: "httpd:2.4" }] });
    expect((await get(`http://${ip}/`)).text).toContain("It works!");
  });

  it("small servers tell about requests and themselves", async () => {
    const port = (containerPort: number) => [{ containerPort }];
    const whoami = await up("whoami", {
      containers: [{ name: "main", image: "traefik/whoami:v1.10", args: ["--port=8081"], ports: port(8081) }],
    });
    expect((await get(`http://${whoami}:8081/x`)).text).toMatch(
      /^Hostname: whoami\nIP: 127\.[\s\S]*GET \/x HTTP\/1\.1/,
    );
    const agnhost = await up("agnhost", {
      containers: [
        { name: "main", image: "registry.k8s.io/e2e-test-images/agnhost:2.40", args: ["netexec"], ports: port(8080) },
      ],
    });
    expect(await get(`http://${agnhost}:8080/hostname`)).toEqual({ status: 200, text: "agnhost" });
    expect((await get(`http://${agnhost}:8080/echo?code=503&msg=x`)).status).toBe(503);
    const echo = await up("echo", {
      containers: [{ name: "main", image: "registry.k8s.io/echoserver:1.10", ports: port(8080) }],
    });
    expect((await get(`http://${echo}:8080/y`)).text).toContain("real path=/y");
  });

  it.runIf(program("redis-server"))("two redis pods keep to their own addresses", async () => {
    const containers = [{ name: "main", image: "redis:7-alpine", ports: [{ containerPort: 6379 }] }];
    await up("redis-a", { containers });
    await up("redis-b", { containers });
    const say = async (pod: string, ...words: string[]) => (await fixture.exec(pod, "redis-cli", ...words)).stdout;
    expect(await say("redis-a", "set", "key", "a")).toBe("OK\n");
    expect(await say("redis-b", "get", "key")).toBe("\n");
    expect(await say("redis-a", "get", "key")).toBe("a\n");
  });
});
