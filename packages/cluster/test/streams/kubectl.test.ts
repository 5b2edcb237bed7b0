import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { program } from "../../../../scripts/testing/programs.ts";
import { startKubectlServer } from "./kubectl-server.ts";

const hasKubectl = program("kubectl") !== undefined;
if (!hasKubectl)
  console.warn("skipped: kubectl is not installed; exec, attach and port-forward go untested against it");

let api: { url: string; stop(): Promise<void> };
let home: string;
let echo: Server;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "kubectl-"));
  api = await startKubectlServer();
  echo = createServer({ allowHalfOpen: true }, (socket) => socket.on("error", () => {}).pipe(socket));
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
});

afterAll(async () => {
  echo?.close();
  await api?.stop();
  await rm(home, { recursive: true, force: true });
});

const echoPort = () => (echo.address() as AddressInfo).port;

describe.runIf(hasKubectl).each([
  ["WebSocket", "true"],
  ["SPDY", "false"],
])("kubectl over %s", (_name, useWebSockets) => {
  const start = (args: readonly string[]): ChildProcess =>
    spawn("kubectl", ["--server", api.url, ...args], {
      env: {
        PATH: process.env.PATH,
        HOME: home,
        KUBECONFIG: join(home, "none"),
        KUBECTL_REMOTE_COMMAND_WEBSOCKETS: useWebSockets,
        KUBECTL_PORT_FORWARD_WEBSOCKETS: useWebSockets,
      },
    });

  /** Runs kubectl to its end. */
  async function kubectl(args: readonly string[], input: string | Buffer = "") {
    const child = start(args);
    child.stdin?.on("error", () => {}).end(input);
    const exit = once(child, "exit");
    const limit = setTimeout(() => child.kill("SIGKILL"), 15_000);
    const [stdout, stderr] = await Promise.all([buffer(child.stdout!), text(child.stderr!)]);
    clearTimeout(limit);
    return { code: (await exit)[0], stdout, stderr };
  }

  const sh = (script: string, ...flags: string[]) => ["exec", ...flags, "shell", "--", "sh", "-c", script];

  test("exec passes on output, errors and the exit code", async () => {
    const result = await kubectl(sh("echo out; echo err >&2; exit 7"));
    expect({ ...result, stdout: String(result.stdout) }).toEqual({
      code: 7,
      stdout: "out\n",
      stderr: "err\ncommand terminated with exit code 7\n",
    });
    expect(await kubectl(sh("true"))).toMatchObject({ code: 0, stderr: "" });
  });

  test("exec -i pipes a megabyte through, and the end of input arrives", async () => {
    const input = Buffer.alloc(1 << 20, "0123456789abcdef\n");
    const { code, stdout } = await kubectl(sh("cat", "-i"), input);
    expect(code).toBe(0);
    expect(stdout.equals(input)).toBe(true);
  });

  test("a process that does not read its input still ends well", async () => {
    const { code, stdout } = await kubectl(sh("echo enough", "-i"), Buffer.alloc(1 << 20, "x"));
    expect([code, String(stdout)]).toEqual([0, "enough\n"]);
  });

  test("megabytes of output arrive whole, before the exit code", async () => {
    const { code, stdout } = await kubectl(sh("head -c 5000000 /dev/zero; exit 3"));
    expect([code, stdout.length]).toEqual([3, 5_000_000]);
  });

  test("a client that vanishes takes its process along", async () => {
    const child = start(sh("echo $$; exec sleep 60"));
    const [chunk] = (await once(child.stdout!, "data")) as [Buffer];
    child.kill("SIGKILL");
    await vi.waitFor(() => expect(() => process.kill(Number(chunk), 0)).toThrow("ESRCH"), { timeout: 10_000 });
  });

  test("attach joins the process", async () => {
    const { code, stdout } = await kubectl(["attach", "-i", "shell"], "typed\n");
    expect([code, String(stdout)]).toEqual([0, "attached\ntyped\n"]);
  });

  test("what the kubelet refuses is what kubectl prints", async () => {
    const { code, stderr } = await kubectl(["exec", "shell", "--", "missing"]);
    expect(code).toBe(1);
    expect(stderr).toContain("container main has not started");
  });

  test("port-forward carries a megabyte both ways on several connections at once", async () => {
    const child = start(["port-forward", "shell", `:${echoPort()}`]);
    const [port] = await forwardedPorts(child, 1);
    const payload = Buffer.alloc(1 << 20, "coracle");
    const echoes = await Promise.all(
      [1, 2, 3, 4].map(() => {
        const socket = connect({ port: port ?? 0, host: "127.0.0.1", allowHalfOpen: true });
        socket.end(payload);
        return buffer(socket);
      }),
    );
    for (const received of echoes) expect(received.equals(payload)).toBe(true);
    child.kill();
    await once(child, "exit");
  });

  test("port-forward says which port of which pod does not answer", async () => {
    const child = start(["port-forward", "shell", ":1"]);
    const exit = once(child, "exit");
    const stderr = text(child.stderr!);
    const [port] = await forwardedPorts(child, 1);
    const refused = connect(port ?? 0, "127.0.0.1");
    await new Promise((resolve) => refused.on("error", resolve).once("close", resolve).resume());
    // kubectl 1.32 gives up by itself after such a failure.
    await exit;
    expect(await stderr).toMatch(/error forwarding port 1 to pod default\/shell/);
  });
});

/** Local ports, once kubectl has said that it forwards them. Goes on reading: kubectl dies when its output is closed. */
function forwardedPorts(child: ChildProcess, count: number): Promise<number[]> {
  let output = "";
  return new Promise((resolve, reject) => {
    child.once("exit", () => reject(new Error(`kubectl ended: ${output}`)));
    child.stdout?.on("data", (chunk) => {
      output += chunk;
      const ports = [...output.matchAll(/127\.0\.0\.1:(\d+) ->/g)].map((match) => Number(match[1]));
      if (ports.length === count) resolve(ports);
    });
  });
}
