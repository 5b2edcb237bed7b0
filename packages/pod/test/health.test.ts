import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import perfHooks from "node:perf_hooks";
import { afterEach, expect, test, vi } from "vitest";
import { createHealth, serveHealth } from "../src/health/server.ts";
import type { HealthServer } from "../src/health/types.ts";

const open: HealthServer[] = [];
afterEach(() => Promise.all(open.splice(0).map((server) => server.stop())));

async function serve() {
  const server = await serveHealth({ host: "127.0.0.1", port: 0, env: {} });
  open.push(server);
  const get = async (path: string, method = "GET") => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method });
    return { status: response.status, body: await response.text() };
  };
  return { server, get };
}

test("is well while every check passes, and names the reasons when not", async () => {
  const { server, get } = await serve();
  const remove = server.ready("disk", () => "full");
  server.ready("peers", () => undefined);
  server.ready("log", async () => Promise.reject(new RangeError("closed")));
  const failing = await get("/healthz/ready?verbose");
  expect(failing.status).toBe(503);
  expect(JSON.parse(failing.body)).toEqual({
    status: "failing",
    checks: { lifecycle: "ok", disk: "full", peers: "ok", log: "closed" },
  });
  expect((await get("/healthz/live")).status).toBe(200);
  remove();
  server.ready("log", () => undefined);
  expect((await get("/healthz/ready")).status).toBe(200);
});

test("is held unready while the pod starts or stops", async () => {
  const { server, get } = await serve();
  server.hold("draining");
  expect(JSON.parse((await get("/healthz/ready")).body).checks.lifecycle).toBe("draining");
  server.hold(undefined);
  expect((await get("/healthz/ready")).status).toBe(200);
});

test("serves metrics, its own and the system's", async () => {
  const { server, get } = await serve();
  const { Counter } = await import("prom-client");
  new Counter({ name: "failovers_total", help: "h", registers: [server.metrics] }).inc(2);
  const { status, body } = await get("/metrics");
  expect(status).toBe(200);
  expect(body).toContain("failovers_total 2");
  expect(body).toContain("process_resident_memory_bytes");
});

test("refuses what it does not serve", async () => {
  const { get } = await serve();
  expect((await get("/")).status).toBe(404);
  expect((await get("/healthz/live", "POST")).status).toBe(405);
});

test("a taken port is named, and a stopped server is gone", async () => {
  const { server } = await serve();
  const { port } = server;
  await expect(serveHealth({ host: "127.0.0.1", port })).rejects.toMatchObject({
    code: "listen",
    message: /HEALTH_PORT/,
  });
  await server.stop();
  await server.stop();
  await expect(fetch(`http://127.0.0.1:${port}/healthz/live`)).rejects.toThrow();
  await expect(serveHealth({ env: { HEALTH_PORT: "many" } })).rejects.toMatchObject({ code: "config" });
});

test("answers for another listener, without one of its own", async () => {
  const health = await createHealth({ defaultMetrics: false });
  open.push(health);
  health.ready("log", () => "behind");
  const server = createServer((request, response) => void health.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/healthz/ready`);
  const { checks } = (await response.json()) as { checks: Record<string, string> };
  expect([response.status, checks.log]).toEqual([503, "behind"]);
  expect(() => health.port).toThrow("not listening");
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test("wakes an idle process seldom to sample the event loop's delay", async () => {
  const monitor = vi.spyOn(perfHooks, "monitorEventLoopDelay");
  try {
    const { get } = await serve();
    expect(monitor.mock.calls.map(([options]) => options?.resolution)).toEqual([100]);
    expect((await get("/metrics")).body).toContain("nodejs_eventloop_lag_p99_seconds");
  } finally {
    monitor.mockRestore();
  }
});
