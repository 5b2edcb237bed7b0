/** The official JavaScript client: exec, and port-forward in its own WebSocket dialect. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { Exec, KubeConfig, PortForward, type V1Status } from "@kubernetes/client-node";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startKubectlServer } from "./kubectl-server.ts";

let api: { url: string; stop(): Promise<void> };
let echo: Server;
const config = new KubeConfig();

beforeAll(async () => {
  api = await startKubectlServer();
  config.loadFromClusterAndUser({ name: "test", server: api.url, skipTLSVerify: true }, { name: "me" });
  echo = createServer((socket) => socket.on("error", () => {}).pipe(socket));
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
});

afterAll(async () => {
  echo?.close();
  await api?.stop();
});

test("exec: input, output, error output and exit code", async () => {
  const [stdout, stderr, stdin] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const output = text(stdout);
  const errors = text(stderr);
  const script = "cat; echo oops >&2; exit 4";
  const status = new Promise<V1Status>((resolve) => {
    void new Exec(config).exec("default", "shell", "main", ["sh", "-c", script], stdout, stderr, stdin, false, resolve);
  });
  stdin.end("typed");
  expect((await status).details?.causes).toEqual([{ reason: "ExitCode", message: "4" }]);
  expect(await output).toBe("typed");
  expect(await errors).toBe("oops\n");
});

test("port-forward in channels", async () => {
  const input = new PassThrough();
  const output = new PassThrough();
  const errors = new PassThrough();
  const port = (echo.address() as AddressInfo).port;
  const socket = await new PortForward(config).portForward("default", "shell", [port], output, errors, input);
  input.write("around and back");
  let received = "";
  output.on("data", (chunk) => {
    received += chunk;
  });
  await vi.waitFor(() => expect(received).toBe("around and back"));
  if (typeof socket !== "function") socket.close();
});
