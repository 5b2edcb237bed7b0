/** The least API server that kubectl needs for exec, attach and port-forward, in front of a kubelet whose pods are `sh` on this machine. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import type { ExecOptions, ExecSession, Kubelet } from "../../src/kubelet/types.ts";
import { StatusError } from "../../src/machinery/errors.ts";
import { handlePodStream } from "../../src/streams/pod-stream.ts";
import type { PodStream } from "../../src/streams/types.ts";

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "shell", namespace: "default" },
  spec: { containers: [{ name: "main", image: "busybox", stdin: true, ports: [{ containerPort: 80 }] }] },
  status: {
    phase: "Running",
    podIP: "127.0.0.1",
    containerStatuses: [{ name: "main", ready: true, state: { running: {} } }],
  },
};

/** Sizes that terminals were given. */
export const sizes: string[] = [];

/** Runs commands on this machine; `attach` joins a shell that greets. */
export const fakeKubelet: Pick<Kubelet, "exec" | "attach" | "dial"> = {
  async exec(_pod, options, signal) {
    if (options.command[0] === "missing") throw new StatusError("BadRequest", "container main has not started");
    return runLocally(options, signal);
  },
  attach: async (_pod, options, signal) =>
    runLocally({ ...options, command: ["sh", "-c", "echo attached; cat"] }, signal),
  async dial(_pod, port) {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    await once(socket, "connect");
    return socket;
  },
};

function runLocally({ command, stdin, tty }: ExecOptions, signal: AbortSignal): ExecSession {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { signal, stdio: "pipe" });
  child.on("error", () => {});
  if (!stdin) child.stdin.end();
  return {
    ...(stdin && { stdin: child.stdin }),
    stdout: child.stdout,
    ...(!tty && { stderr: child.stderr }),
    resize: (columns, rows) => void sizes.push(`${columns}x${rows}`),
    exitCode: once(child, "exit").then(([code]) => code ?? 137),
  };
}

export async function startKubectlServer(): Promise<{ url: string; stop(): Promise<void> }> {
  const server = createServer(answer);
  const sockets = new Set<{ destroy(): void }>();
  server.on("connection", (socket) => sockets.add(socket));
  server.on("upgrade", (request, socket, head) => {
    const url = new URL(request.url ?? "", "http://localhost");
    const subresource = url.pathname.split("/").at(-1) as PodStream["subresource"];
    const ref = { namespace: "default", name: "shell" };
    handlePodStream({ request, socket, head, pod: ref, subresource, query: url.searchParams, kubelet: fakeKubelet });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const stop = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}

const resource = (name: string, kind: string) => ({
  name,
  kind,
  singularName: "",
  namespaced: true,
  verbs: ["get", "create"],
});

const answers: Readonly<Record<string, object>> = {
  "/api": { kind: "APIVersions", versions: ["v1"] },
  "/apis": { kind: "APIGroupList", apiVersion: "v1", groups: [] },
  "/api/v1": { kind: "APIResourceList", groupVersion: "v1", resources: [resource("pods", "Pod")] },
  "/api/v1/namespaces/default/pods/shell": pod,
};

function answer(request: IncomingMessage, response: ServerResponse): void {
  const body = answers[request.url?.split("?")[0] ?? ""];
  response.writeHead(body ? 200 : 404, { "content-type": "application/json" });
  response.end(JSON.stringify(body ?? { kind: "Status", status: "Failure", reason: "NotFound", code: 404 }));
}
