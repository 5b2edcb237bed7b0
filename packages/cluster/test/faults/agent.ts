/** A cluster for the tests of one file, and pods in it that run what a test tells them. */
import { request } from "node:http";
import type { Pod } from "kubernetes-types/core/v1.js";
import { type Cluster, type ClusterOptions, startCluster } from "../../src/index.ts";
import type { Stored } from "../../src/machinery/types.ts";

/** Runs in the pod: evaluates the body of a request as that of an async function. `kept` is what it kept from its start, `api` calls the API server. */
const program = `
  const fs = require("fs");
  const kept = { now: Date.now, fdatasync: fs.fdatasync };
  const account = process.env.KUBECONFIG
    ? require("path").dirname(JSON.parse(fs.readFileSync(process.env.KUBECONFIG)).users[0].user.tokenFile)
    : "/var/run/secrets/kubernetes.io/serviceaccount";
  // Resolves with the answer, or at once with its stream when the caller wants that.
  const api = (method, path, { body, signal, wantsStream } = {}) => new Promise((resolve, reject) => {
    const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
    const headers = { authorization: "Bearer " + fs.readFileSync(account + "/token"), "user-agent": "agent/1" };
    const options = { host, port, path, method, headers, signal, agent: false, ca: fs.readFileSync(account + "/ca.crt") };
    const call = require("https").request(options, (response) => {
      if (wantsStream) return resolve(response);
      let text = "";
      response.on("data", (chunk) => (text += chunk));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode, body: JSON.parse(text) }));
    });
    call.on("error", reject);
    call.end(body && JSON.stringify(body));
  });
  const AsyncFunction = (async () => {}).constructor;
  require("http").createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    try {
      const value = await new AsyncFunction("require", "kept", "api", body)(require, kept, api);
      response.end(JSON.stringify({ value }));
    } catch (error) {
      response.end(JSON.stringify({ error: { code: error.code, message: String(error) } }));
    }
  }).listen(8080);`;

export interface Agent {
  readonly name: string;
  readonly ip: string;
  pod(): Stored<Pod>;
  /** What the code returns; an error of the code rejects with its \`code\`. */
  run(code: string): Promise<unknown>;
  /** The error code that the code ends with; undefined when it ends well. */
  codeOf(code: string): Promise<string | undefined>;
}

export const openCluster = (options: ClusterOptions = {}): Promise<Cluster> =>
  startCluster({ loopbackLoadBalancers: false, restartBackoffMs: 200, ...options });

export async function startAgent(cluster: Cluster, name: string, spec: Partial<Pod["spec"]> = {}): Promise<Agent> {
  await cluster.registry.create("pods", agentPod(name, spec));
  return agentOf(cluster, name);
}

export const agentPod = (name: string, spec: Partial<Pod["spec"]> = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default", labels: { app: "agent", name } },
  spec: {
    terminationGracePeriodSeconds: 1,
    volumes: [
      { name: "data", emptyDir: {} },
      { name: "other", emptyDir: {} },
    ],
    containers: [agentContainer()],
    ...spec,
  },
});

export const agentContainer = () => ({
  name: "agent",
  image: "node",
  command: ["node", "-e", program],
  // Where the volume is: its own path with a private root, a folder of the host without.
  env: [
    { name: "DATA", value: "/data" },
    { name: "OTHER", value: "/other" },
  ],
  volumeMounts: [
    { name: "data", mountPath: "/data" },
    { name: "other", mountPath: "/other" },
  ],
  readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
});

/** Resolves when the pod is ready. */
export async function agentOf(cluster: Cluster, name: string): Promise<Agent> {
  const pod = () => cluster.registry.get("pods", "default", name) as Stored<Pod>;
  await until(cluster, "pods", () => isReady(pod()));
  const ip = pod().status?.podIP ?? "";
  const run = async (code: string) => {
    const { value, error } = await post(ip, code);
    if (error) throw Object.assign(new Error(error.message), { code: error.code });
    return value;
  };
  const codeOf = (code: string) =>
    run(code).then(
      () => undefined,
      (error: { code?: string }) => error.code ?? "an error without a code",
    );
  return { name, ip, pod, run, codeOf };
}

export const isReady = (pod: Pod | undefined): boolean =>
  pod?.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;

interface Reply {
  readonly value?: unknown;
  readonly error?: { readonly code?: string; readonly message: string };
}

function post(host: string, body: string): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const call = request({ host, port: 8080, method: "POST", agent: false }, async (response) => {
      let text = "";
      for await (const chunk of response) text += chunk;
      resolve(JSON.parse(text) as Reply);
    });
    call.on("error", reject);
    call.end(body);
  });
}

/** Resolves when the condition holds, looking now and whenever an object of the resource changes. */
export function until(cluster: Cluster, resource: string, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!holds()) return;
      queueMicrotask(() => unsubscribe());
      resolve();
    };
    const unsubscribe = cluster.registry.subscribe(resource, look);
    look();
  });
}

/** Asks again and again until the answer is as wanted; the test's own limit bounds it. A pod hears of a fault a moment later than its file changes. */
export async function eventually<T>(ask: () => Promise<T>, isWanted: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isWanted(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
