/** Requests that nobody honest sends: refused in the API's form, and the server goes on. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { adminKey, startWeb, type TestServer, walletKey } from "./support/server.ts";

/** What the server sends back to these bytes until it hangs up. */
function raw(web: TestServer, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(web.web.port, "127.0.0.1", () => socket.write(text));
    let answer = "";
    socket.on("data", (data) => {
      answer += data;
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(answer));
  });
}

const get = (path: string, headers = ""): string =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}\r\n`;
const statusOf = (answer: string): number => Number(/^HTTP\/1.1 (\d+)/.exec(answer)?.[1]);

describe("paths", () => {
  it.each([
    "/api/admin/../v1/blockchain",
    "/api/v1/%2e%2e/admin/peers",
    "/api/v1/..%2fadmin/peers",
    "//api/admin/peers",
    "/api//admin/peers",
    "/api\\admin\\peers",
    "/api/v1/wallet/%00",
    "/api/v1/wallet/a%5cb",
    "/%252e%252e/etc/passwd",
    "/../../etc/passwd",
    "/assets/../../package.json",
    `/api/v1/search?q=${"x".repeat(3000)}`,
    "http://elsewhere/api/v1/blockchain",
  ])("%s is refused", async (path) => {
    const web = await startWeb();
    const answer = await raw(web, get(path));
    expect(statusOf(answer)).toBe(400);
    expect(answer).toContain('"success":false');
    expect((await web.get("/health")).status).toBe(200);
  });

  it.each(["/API/ADMIN/peers", "/api/Admin/peers", "/api/admin/peers/", "/api/admin;/peers", "/api/%61dmin/peers"])(
    "%s gives no more than the key allows",
    async (path) => {
      const web = await startWeb();
      expect([400, 401, 404]).toContain(statusOf(await raw(web, get(path))));
    },
  );

  it("never turn an unknown API path or file into the page", async () => {
    const web = await startWeb();
    for (const path of [
      "/api",
      "/api/",
      "/api/v2/blockchain",
      "/api/health/x",
      "/healthz",
      "/health/x",
      "/missing.js",
    ]) {
      const { status } = await web.get(path, { accept: "text/html" });
      // Only what might be an address within the pages gets the page, here the one that says that they are not built.
      expect([path, status]).toEqual([path, path === "/healthz" ? 503 : 404]);
    }
  });
});

describe("keys", () => {
  it("are one, whole, and in their header", async () => {
    const web = await startWeb();
    const wrong = [
      "",
      "X-API-Key: \r\n",
      `X-API-Key: ${adminKey}\r\nX-API-Key: ${walletKey}\r\n`,
      `X-API-Key: ${"k".repeat(5000)}\r\n`,
      `Authorization: Bearer ${adminKey}\r\n`,
      `X-Original-URL: /health\r\n`,
    ];
    for (const headers of wrong) expect(statusOf(await raw(web, get("/api/admin/peers", headers)))).toBe(401);
    expect(statusOf(await raw(web, get(`/api/admin/peers?key=${adminKey}`)))).toBe(401);
    expect(statusOf(await raw(web, get("/api/admin/peers", `x-api-key: ${adminKey}\r\n`)))).toBe(200);
  });

  it("are never repeated in an answer", async () => {
    const web = await startWeb();
    const answer = await raw(web, get("/api/admin/nothing", `X-API-Key: ${adminKey}\r\n`));
    expect(statusOf(answer)).toBe(404);
    expect(answer).not.toContain(adminKey);
  });
});

describe("bodies and headers", () => {
  const post = (path: string, headers: string, body = ""): string =>
    `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-API-Key: ${walletKey}\r\n${headers}\r\n${body}`;

  it("have a greatest size", async () => {
    const web = await startWeb();
    const tooLong = post("/api/v1/transactions", "Content-Type: application/json\r\nContent-Length: 2000000\r\n");
    expect(statusOf(await raw(web, tooLong))).toBe(413);
    expect(statusOf(await raw(web, get("/api/v1/blockchain", `X-Long: ${"x".repeat(20_000)}\r\n`)))).toBe(431);
  });

  it("are read in one way only", async () => {
    const web = await startWeb();
    const both = "Content-Type: application/json\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n";
    expect(statusOf(await raw(web, post("/api/v1/wallet", both, "0\r\n\r\n")))).toBe(400);
    const text = "Content-Type: text/plain\r\nContent-Length: 2\r\n";
    expect(statusOf(await raw(web, post("/api/v1/wallet", text, "{}")))).toBe(415);
    expect(
      statusOf(await raw(web, post("/api/v1/blockchain", "X-HTTP-Method-Override: GET\r\nContent-Length: 0\r\n"))),
    ).toBe(404);
    expect(statusOf(await raw(web, "TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))).toBeGreaterThanOrEqual(
      400,
    );
  });

  it("carry the security headers back, in errors too", async () => {
    const web = await startWeb();
    for (const path of ["/api/v1/blockchain", "/api/nothing", "/", "//"]) {
      const answer = await raw(web, get(path));
      expect(answer).toMatch(/content-security-policy: default-src 'none'/i);
      expect(answer).toMatch(/x-content-type-options: nosniff/i);
    }
  });

  it("do not make it tell what failed inside", async () => {
    const { fakeBackend } = await import("./support/fake-backend.ts");
    const backend = {
      ...fakeBackend(),
      fees: () => {
        throw new TypeError("secret detail");
      },
    };
    const web = await startWeb({ backend });
    const { status, body } = await web.get("/api/v1/fees");
    expect(status).toBe(500);
    expect(JSON.stringify(body)).not.toContain("secret detail");
  });
});

describe("the pages' files", () => {
  it("are served from their folder only, and pages as soon as they are built", async () => {
    const folder = await mkdtemp(join(tmpdir(), "pages-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const web = await startWeb({ pagesDir: folder });
    const page = () => web.get("/wallet", { accept: "text/html" });
    expect([(await page()).status, (await page()).body]).toEqual([503, expect.stringContaining("build:pages")]);
    await mkdir(join(folder, "assets"));
    await writeFile(join(folder, "index.html"), "the page");
    await writeFile(join(folder, "assets", "app-1.js"), "the script");
    await writeFile(join(folder, "secret.txt"), "secret");
    expect([(await page()).status, (await page()).body]).toEqual([200, "the page"]);
    const asset = await web.get("/assets/app-1.js");
    expect([asset.status, asset.headers.get("cache-control")]).toEqual([200, "public, max-age=31536000, immutable"]);
    for (const path of ["/secret.txt", "/assets/secret.txt", "/assets/..%2fsecret.txt", "/assets/", "/index.html"])
      expect([400, 404]).toContain((await web.get(path)).status);
  });
});

describe("many connections", () => {
  it("that say half a request and wait leave room for those who ask", async () => {
    const web = await startWeb();
    const slow = Array.from({ length: 200 }, () => {
      const socket = connect(web.web.port, "127.0.0.1", () => socket.write("GET /api/v1/blockchain HTTP/1.1\r\nHos"));
      socket.on("error", () => undefined);
      return socket;
    });
    onTestFinished(() => {
      for (const socket of slow) socket.destroy();
    });
    await expect.poll(() => slow.every(({ pending }) => !pending), { timeout: 15_000 }).toBe(true);
    expect((await web.get("/api/v1/blockchain")).status).toBe(200);
    await web.web.stop();
    await expect.poll(() => slow.every(({ closed }) => closed), { timeout: 15_000 }).toBe(true);
  });
});
