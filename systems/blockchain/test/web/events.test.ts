import { connect } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { blockView, fakeBackend, id } from "./support/fake-backend.ts";
import { startWeb, type TestServer, walletKey } from "./support/server.ts";
import { until } from "./support/until.ts";

interface Listener {
  readonly status: number;
  readonly text: () => string;
  readonly ended: () => boolean;
  close(): void;
}

async function listen(
  web: TestServer,
  path = "/api/v1/events",
  headers: Record<string, string> = {},
): Promise<Listener> {
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  const response = await fetch(web.url + path, { headers, signal: abort.signal });
  let text = "";
  let ended = false;
  void (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true });
  })()
    .catch(() => undefined)
    .finally(() => {
      ended = true;
    });
  return { status: response.status, text: () => text, ended: () => ended, close: () => abort.abort() };
}

const block = { kind: "block", block: blockView(31) } as const;
const payment = { kind: "payment", wallet: "default", txid: id(4), amount: 5, state: "payment" } as const;

describe("events", () => {
  it("come as they happen; those of wallets to those with a key only", async () => {
    const backend = fakeBackend();
    const web = await startWeb({ backend });
    expect((await listen(web, "/api/wallet/events")).status).toBe(401);
    const anyone = await listen(web);
    const owner = await listen(web, "/api/wallet/events", { "X-API-Key": walletKey });
    await until(() => anyone.text().includes("hello") && owner.text().includes("hello"));
    backend.emit(payment);
    backend.emit(block);
    await until(() => anyone.text().includes("event: block") && owner.text().includes("event: block"));
    expect(owner.text()).toContain('event: payment\ndata: {"wallet":"default"');
    expect(anyone.text()).not.toContain("payment");
    expect(anyone.text()).toContain(`"hash":"${id(32)}"`);
  });

  it("are told again from the last one that a client had", async () => {
    const backend = fakeBackend();
    const web = await startWeb({ backend, events: { kept: 2 } });
    const first = await listen(web);
    await until(() => first.text().includes("hello"));
    const helloId = /id: (\S+)/.exec(first.text())?.[1] ?? "";
    first.close();
    backend.emit(block);
    backend.emit(payment);
    const again = await listen(web, "/api/v1/events", { "Last-Event-ID": helloId });
    await until(() => again.text().includes("event: block"));
    expect(again.text()).not.toMatch(/reset|payment/);
    backend.emit(block);
    // The oldest is gone now, and of another process's numbers nothing is known.
    for (const lastId of [helloId, "other-1", "x", `${helloId}9`]) {
      const late = await listen(web, "/api/v1/events", { "Last-Event-ID": lastId });
      await until(() => late.text().includes("event: reset"));
    }
  });

  it("have a bound of listeners, and end when the server does", async () => {
    const web = await startWeb({ events: { maxClients: 1 } });
    const one = await listen(web);
    expect((await listen(web)).status).toBe(503);
    expect((await fetch(`${web.url}/api/v1/events`, { method: "HEAD" })).status).toBe(404);
    one.close();
    await until(async () => {
      const next = await listen(web);
      if (next.status !== 200) return false;
      await web.web.stop();
      await until(next.ended);
      return true;
    });
  });

  it("have a bound for each address, as the trusted proxy tells it", async () => {
    const web = await startWeb({ events: { maxPerAddress: 1 }, settings: { trustedProxyHops: 1 } });
    const from = (address: string) => listen(web, "/api/v1/events", { "X-Forwarded-For": address });
    expect((await from("192.0.2.1")).status).toBe(200);
    expect((await from("192.0.2.1")).status).toBe(503);
    expect((await from("192.0.2.2")).status).toBe(200);
  });

  it("beat while nothing happens", async () => {
    const web = await startWeb({ events: { heartbeatMs: 20 } });
    const one = await listen(web);
    await until(() => one.text().includes(": alive"));
  });

  it("let go of a client that doesn't read", async () => {
    const backend = fakeBackend();
    const web = await startWeb({ backend, events: { maxUnreadBytes: 1000 } });
    const socket = connect(web.web.port, "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    socket.on("error", () => undefined);
    socket.write("GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
    await new Promise((resolve) => socket.once("data", resolve));
    socket.pause();
    const closed = new Promise((resolve) => socket.once("close", resolve));
    let sent = 0;
    // More than all buffers between the two hold.
    const largest = 20_000_000;
    await until(() => {
      for (let each = 0; each < 2000; each++) backend.emit(block);
      sent += 2000 * JSON.stringify(block).length;
      return sent > largest;
    });
    let received = 0;
    socket.on("data", (data) => {
      received += data.length;
    });
    socket.resume();
    await closed;
    expect(received).toBeLessThan(largest);
  });
});
