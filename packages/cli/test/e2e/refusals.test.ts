/** What a user is told when something is wrong: what happened, what was kept, what to do. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Installation, install } from "./installation.ts";

let coracle: Installation;
beforeAll(async () => {
  coracle = await install();
  await coracle.ok("coracle cluster start", { timeoutMs: 300_000 });
}, 320_000);
afterAll(() => coracle?.remove(), 120_000);

const deployment = (name: string, image: string, change: (text: string) => string = (text) => text): string =>
  change(`apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  replicas: 1
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec:
      containers:
      - name: main
        image: ${image}
        command: [sh, -c, "echo the reason is here; exit 7"]
`);

async function up(
  name: string,
  text: string,
  options = "",
): Promise<{ readonly code: number | null; readonly stderr: string }> {
  const path = join(coracle.home, `${name}.yaml`);
  await writeFile(path, text);
  return coracle.sh(`coracle up ${path} ${options}`, { timeoutMs: 60_000 });
}

describe("coracle up", () => {
  it("names a misspelt field and applies nothing", async () => {
    const text = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: first}\n---\n${deployment("typo", "busybox", (each) => each.replace("replicas:", "replicaz:"))}`;
    const { code, stderr } = await up("typo", text);
    expect(code).toBe(1);
    expect(stderr).toMatch(/deployment\/typo would be refused: .*unknown field.*spec\.replicaz/);
    expect(stderr).toContain("Nothing was applied.");
    expect((await coracle.sh("coracle status")).code).toBe(0);
  });

  it.each([
    [
      "a kind that does not exist",
      deployment("x", "busybox", (text) => text.replace("kind: Deployment", "kind: Deploymnt")),
      /has no kind Deploymnt in apps\/v1/,
    ],
    [
      "a group that does not exist",
      deployment("x", "busybox", (text) => text.replace("apps/v1", "aps/v1")),
      /does not serve aps\/v1/,
    ],
    [
      "a wrong value",
      deployment("x", "busybox", (text) => text.replace("replicas: 1", "replicas: -1")),
      /spec\.replicas: Invalid value: -1/,
    ],
    ["broken YAML", "kind: [", /Nothing was applied/],
  ])("refuses %s with its reason", async (_, text, message) => {
    const { code, stderr } = await up("wrong", text);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  });

  it("gives up at once on an image that it cannot map, and says how to map it", async () => {
    const { code, stderr } = await up("image", deployment("image", "ghcr.io/acme/unheard-of:1"));
    expect(code).toBe(1);
    expect(stderr).toMatch(/not up: container main of pod image-\S+: (ErrImagePull|ImagePullBackOff)/);
    expect(stderr).toMatch(/event +Warning Failed: .*images/);
  }, 60_000);

  it("shows the last log lines of a container that keeps failing", async () => {
    const { code, stderr } = await up("crash", deployment("crash", "busybox"), "--timeout 4");
    expect(code).toBe(1);
    expect(stderr).toMatch(/main +the reason is here/);
    expect(stderr).toMatch(/still waiting for deployment\/crash: 0 of 1 pods ready/);
  }, 60_000);
});

describe("the command line", () => {
  it.each([
    ["coracle up no-such-system", 1, /no system and no path named no-such-system\. Systems: .*kvstore/],
    ["coracle up kvstore --context nowhere", 1, /kubeconfig has no context nowhere/],
    ["coracle up kvstore --timeout soon", 2, /--timeout takes a whole number from 1 to 86400, not soon/],
    ["coracle upp", 1, /unknown command 'upp'[\s\S]*Did you mean up\?/],
    ["coracle cluster delete", 2, /Nothing was deleted/],
  ])("%s", async (line, code, message) => {
    const outcome = await coracle.sh(line);
    expect(outcome.stderr).toMatch(message);
    expect(outcome.code).toBe(code);
  });

  it("refuses an unknown setting before anything starts", async () => {
    const home = join(coracle.home, "other");
    await mkdir(home);
    await writeFile(join(home, "config.yaml"), "imagez: {}\n");
    const outcome = await coracle.sh("coracle cluster start", { env: { CORACLE_HOME: home } });
    expect(outcome.stderr).toMatch(/config\.yaml has unknown settings: imagez/);
    expect(outcome.code).toBe(1);
  });

  it("says where a cluster is missing, and prints help with examples", async () => {
    const outcome = await coracle.sh("coracle status", { env: { CORACLE_HOME: join(coracle.home, "empty") } });
    expect(outcome.stderr).toMatch(/No cluster runs here. Start one: coracle cluster start/);
    expect(await coracle.ok("coracle up --help")).toMatch(/Examples:\n {2}coracle up kvstore/);
  });
});
