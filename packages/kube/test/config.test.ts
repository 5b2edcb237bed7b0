import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { tokenFileCredentials } from "../src/config/credentials.ts";
import { inCluster } from "../src/config/in-cluster.ts";
import { loadConnection } from "../src/config/load.ts";
import { fromKubeconfig } from "../src/index.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "kube-"));
});
afterEach(() => rm(dir, { recursive: true }));

const base64 = (text: string): string => Buffer.from(text).toString("base64");

const kubeconfig = {
  "current-context": "one",
  clusters: [
    { name: "c", cluster: { server: "https://c:6443", "certificate-authority-data": base64("CA") } },
    { name: "d", cluster: { server: "https://d:6443", "certificate-authority": "ca.pem", "tls-server-name": "kube" } },
  ],
  users: [
    { name: "u", user: { token: "T" } },
    { name: "cert", user: { "client-certificate-data": base64("CERT"), "client-key-data": base64("KEY") } },
    { name: "plugin", user: { exec: { command: "aws" } } },
    { name: "file", user: { tokenFile: "token" } },
    { name: "basic", user: { username: "a", password: "b" } },
  ],
  contexts: [
    { name: "one", context: { cluster: "c", user: "u", namespace: "blue" } },
    { name: "two", context: { cluster: "d", user: "cert" } },
    { name: "three", context: { cluster: "c", user: "plugin" } },
    { name: "four", context: { cluster: "c", user: "file" } },
    { name: "five", context: { cluster: "c", user: "basic" } },
    { name: "broken", context: { cluster: "nope", user: "u" } },
  ],
};

describe("a kubeconfig", () => {
  beforeEach(async () => {
    await writeFile(join(dir, "config"), JSON.stringify(kubeconfig));
    await writeFile(join(dir, "ca.pem"), "CA-FILE");
    await writeFile(join(dir, "token"), "FILE-TOKEN\n");
  });
  const load = (context?: string) => fromKubeconfig([join(dir, "config")], context);

  test("gives server, namespace, CA and token of its current context", async () => {
    const { credentials, ...rest } = await load();
    expect(rest).toEqual({ server: "https://c:6443", namespace: "blue", tls: { ca: "CA", insecureSkipVerify: false } });
    expect(await credentials.authorization()).toBe("Bearer T");
  });

  test("gives a client certificate and files beside it", async () => {
    const { tls, namespace, credentials } = await load("two");
    expect(tls).toMatchObject({ ca: "CA-FILE", cert: "CERT", key: "KEY", serverName: "kube" });
    expect(namespace).toBe("default");
    expect(await credentials.authorization()).toBeUndefined();
  });

  test("gives a token file and a password", async () => {
    expect(await (await load("four")).credentials.authorization()).toBe("Bearer FILE-TOKEN");
    expect(await (await load("five")).credentials.authorization()).toBe(`Basic ${base64("a:b")}`);
  });

  test.each([
    ["three", /exec credential plugin.*kubectl proxy/],
    ["broken", /no cluster "nope"; it has: c, d/],
    ["absent", /no context "absent"; it has: one, two/],
  ])("that can't be used says why: %s", async (context, message) => {
    await expect(load(context)).rejects.toMatchObject({ code: "config", message });
  });

  test("may be YAML, and several are merged, the first mention winning", async () => {
    await writeFile(join(dir, "first"), "current-context: two\nusers:\n- name: cert\n  user: {token: FIRST}\n");
    const { server, credentials } = await fromKubeconfig([join(dir, "none"), join(dir, "first"), join(dir, "config")]);
    expect(server).toBe("https://d:6443");
    expect(await credentials.authorization()).toBe("Bearer FIRST");
  });

  test("that is absent or broken is named", async () => {
    await expect(fromKubeconfig([join(dir, "none")])).rejects.toMatchObject({ code: "config", message: /none/ });
    await writeFile(join(dir, "bad"), "{");
    await expect(fromKubeconfig([join(dir, "bad")])).rejects.toMatchObject({ code: "config", message: /bad is not/ });
  });
});

describe("in a pod", () => {
  const env = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" };
  beforeEach(async () => {
    await writeFile(join(dir, "ca.crt"), "CA");
    await writeFile(join(dir, "token"), "T1");
    await writeFile(join(dir, "namespace"), "green\n");
  });

  test("address, CA, token and namespace come from the mounted folder", async () => {
    const { credentials, ...rest } = await inCluster(env, dir);
    expect(rest).toEqual({ server: "https://[fd00::1]:443", namespace: "green", tls: { ca: "CA" } });
    expect(await credentials.authorization()).toBe("Bearer T1");
    expect((await inCluster({ ...env, POD_NAMESPACE: "red" }, dir)).namespace).toBe("red");
  });

  test("a folder that isn't mounted is named", async () => {
    await expect(inCluster(env, join(dir, "absent"))).rejects.toMatchObject({ code: "config", message: /ca\.crt/ });
    await expect(inCluster({}, dir)).rejects.toMatchObject({ code: "config", message: /not in a pod/ });
  });

  test("the token is read again after a while, or at once when it was refused, and survives its file's absence", async () => {
    let now = 0;
    const credentials = tokenFileCredentials(join(dir, "token"), () => now);
    expect(await credentials.authorization()).toBe("Bearer T1");
    await writeFile(join(dir, "token"), "T2");
    expect(await credentials.authorization()).toBe("Bearer T1");
    now = 10_000;
    expect(await credentials.authorization()).toBe("Bearer T2");
    await writeFile(join(dir, "token"), "T3");
    credentials.refresh();
    expect(await credentials.authorization()).toBe("Bearer T3");
    await rm(join(dir, "token"));
    credentials.refresh();
    expect(await credentials.authorization()).toBe("Bearer T3");
  });

  test("KUBECONFIG wins over the pod's own account, which wins over the home folder", async () => {
    await writeFile(join(dir, "config"), JSON.stringify(kubeconfig));
    expect((await loadConnection({ env: { ...env, KUBECONFIG: join(dir, "config") } })).server).toBe("https://c:6443");
    await expect(loadConnection({ env })).rejects.toMatchObject({ message: /serviceaccount/ });
    await expect(loadConnection({ env: { HOME: dir } })).rejects.toMatchObject({ message: /\.kube\/config/ });
  });
});
