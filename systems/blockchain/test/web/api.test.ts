/** The API's paths, bodies, fields and keys, as the original had them; and what it never had. */
import { describe, expect, it } from "vitest";
import { fakeBackend, id, someAddress } from "./support/fake-backend.ts";
import { adminKey, startWeb, walletKey } from "./support/server.ts";

const payment = { from_address: someAddress, to_address: someAddress, amount: 1000 };
const admin = { "X-API-Key": adminKey };
const wallet = { "X-API-Key": walletKey };

const fields: readonly (readonly [string, readonly string[]])[] = [
  [
    "/blockchain",
    [
      "height",
      "difficulty",
      "total_blocks",
      "total_transactions",
      "mempool_size",
      "last_block_hash",
      "last_block_timestamp",
    ],
  ],
  ["/blockchain/blocks?page=1&limit=100", ["items", "page", "limit", "total"]],
  [
    "/blockchain/blocks/latest",
    [
      "hash",
      "previous_hash",
      "timestamp",
      "height",
      "nonce",
      "difficulty",
      "transaction_count",
      "merkle_root",
      "size_bytes",
    ],
  ],
  [`/blockchain/blocks/${id(3)}`, ["hash", "height"]],
  [`/blockchain/blocks/${id(3)}/transactions`, ["items"]],
  ["/wallet/addresses", ["items"]],
  [`/wallet/${someAddress}`, ["address", "balance"]],
  [`/wallet/${someAddress}/balance`, ["balance", "unconfirmed_balance", "utxo_count"]],
  ["/transactions", ["items"]],
  ["/transactions/mempool", ["items"]],
  [`/transactions/mempool/${id(100)}`, ["txid", "inputs", "outputs"]],
  [`/transactions/${id(100)}`, ["txid", "fee"]],
  [`/transactions/address/${someAddress}`, ["items"]],
  ["/fees", ["fast", "normal", "slow"]],
  ["/search?q=0", ["kind", "id"]],
  [
    "/mining/info",
    ["blocks", "currentblocksize", "currentblocktx", "difficulty", "networkhashps", "pooledtx", "chain", "warnings"],
  ],
];

describe("reading", () => {
  it.each(fields)("%s answers at /api/v1 without a key and at /api/admin with the admin's", async (path, names) => {
    const web = await startWeb();
    for (const { status, body } of [await web.get(`/api/v1${path}`), await web.get(`/api/admin${path}`, admin)]) {
      expect(status).toBe(200);
      expect(body).toMatchObject({ success: true, error: null, timestamp: expect.stringMatching(/^\d{4}-.*Z$/) });
      expect(Object.keys(body.data)).toEqual(expect.arrayContaining([...names]));
    }
    expect((await web.get(`/api/admin${path}`)).status).toBe(401);
    expect((await web.get(`/api/admin${path}`, wallet)).status).toBe(403);
  });

  it("pages lists", async () => {
    const web = await startWeb({ backend: fakeBackend(30) });
    const { body } = await web.get("/api/v1/blockchain/blocks?page=4&limit=10");
    expect(body.data).toMatchObject({ page: 4, limit: 10, total: 31 });
    expect(body.data.items).toHaveLength(1);
    expect(body.data.items[0]).toMatchObject({ height: 0 });
    const one = await web.get(`/api/v1/blockchain/blocks?hash=${id(3)}`);
    expect(one.body.data.items).toMatchObject([{ hash: id(3) }]);
    for (const wrong of ["limit=101", "limit=0", "page=0", "page=x", "hash=00", "color=red"])
      expect((await web.get(`/api/v1/blockchain/blocks?${wrong}`)).status, wrong).toBe(400);
  });

  it("answers 404, in the same form, for what is not known", async () => {
    const web = await startWeb();
    for (const path of [
      `blockchain/blocks/${id(99_999)}`,
      "blockchain/blocks/9999",
      `transactions/${id(7)}`,
      "nothing",
    ]) {
      const { status, body } = await web.get(`/api/v1/${path}`);
      expect(status).toBe(404);
      expect(body).toMatchObject({ success: false, data: null, error: expect.stringContaining("not known here") });
    }
  });
});

describe("spending and mining", () => {
  const posts = [
    ["/transactions", payment, 201],
    ["/wallet", { label: "tea" }, 201],
    ["/mining/generatetoaddress", { nblocks: 2, address: someAddress }, 200],
  ] as const;

  it.each(posts)("%s needs a key", async (path, body, done) => {
    const backend = fakeBackend();
    const web = await startWeb({ backend });
    expect((await web.post(`/api/v1${path}`, body)).status).toBe(401);
    expect((await web.post(`/api/v1${path}`, body, { "X-API-Key": `${walletKey}x` })).status).toBe(401);
    expect((await web.post(`/api/admin${path}`, body, wallet)).status).toBe(403);
    expect(backend.calls).toEqual([]);
    expect((await web.post(`/api/v1${path}`, body, wallet)).status).toBe(done);
    expect((await web.post(`/api/v1${path}`, body, admin)).status).toBe(done);
    expect((await web.post(`/api/admin${path}`, body, admin)).status).toBe(done);
  });

  it("needs none where a setting says so, as the original did", async () => {
    const web = await startWeb({ settings: { openSpending: true } });
    for (const [path, body, done] of posts) expect((await web.post(`/api/v1${path}`, body)).status).toBe(done);
    expect((await web.post("/api/wallet/transactions", payment)).status).toBe(401);
  });

  it("pays from the address that is named", async () => {
    const backend = fakeBackend();
    const web = await startWeb({ backend });
    for (const path of ["/api/wallet/transactions", "/api/v1/transactions"]) {
      const { body } = await web.post(path, payment, wallet);
      expect(body.data).toEqual({ txid: id(5), ...payment, fee: 140 });
    }
    expect(backend.calls[0]).toBe(
      `send [{"address":"${someAddress}","amount":1000}] {"fromAddresses":["${someAddress}"]}`,
    );
  });

  it("refuses bodies that are not what they should be", async () => {
    const backend = fakeBackend();
    const web = await startWeb({ backend });
    const wrong: readonly (readonly [string, unknown])[] = [
      ["/transactions", { ...payment, amount: true }],
      ["/transactions", { ...payment, amount: "1000" }],
      ["/transactions", { ...payment, amount: 1.5 }],
      ["/transactions", { ...payment, amount: -1 }],
      ["/transactions", { ...payment, amount: 21e14 + 1 }],
      ["/transactions", { ...payment, fee: 1 }],
      ["/transactions", { ...payment, to_address: "x".repeat(91) }],
      ["/transactions", "{"],
      ["/transactions", '{"__proto__":{"admin":true}}'],
      ["/mining/generatetoaddress", { nblocks: 1001, address: someAddress }],
      ["/mining/generatetoaddress", { nblocks: 0, address: someAddress }],
      ["/mining/generatetoaddress", { nblocks: 1, address: someAddress, maxtries: 1_000_001 }],
    ];
    for (const [path, body] of wrong)
      expect((await web.post(`/api/v1${path}`, body, wallet)).status, JSON.stringify(body)).toBe(400);
    expect(backend.calls).toEqual([]);
  });

  it("tells why a transaction is refused", async () => {
    const web = await startWeb();
    const { status, body } = await web.post("/api/v1/transactions/broadcast", { hex: "00".repeat(20) });
    expect([status, body.error]).toEqual([422, "bad-txns-inputs-missingorspent"]);
  });
});

describe("health", () => {
  const paths = ["/health", "/api/health"].flatMap((prefix) => [prefix, `${prefix}/live`, `${prefix}/ready`]);

  it.each(paths)("%s can fail", async (path) => {
    const backend = fakeBackend();
    const web = await startWeb({ backend });
    const good = await web.get(path);
    expect(good.status).toBe(200);
    expect(good.body.data).toMatchObject({
      status: "healthy",
      version: "1.2.3",
      uptime_seconds: expect.any(Number),
      blockchain_height: 30,
      connected_peers: 0,
      memory_usage_mb: expect.any(Number),
    });
    backend.unready = "still fetching blocks";
    const unready = await web.get(path);
    expect(unready.status).toBe(path.endsWith("/live") ? 200 : 503);
    backend.unlive = "database damaged";
    const bad = await web.get(path);
    expect([bad.status, bad.body.success, bad.body.data.reason]).toEqual([503, false, "database damaged"]);
  });

  it("is below /api/admin for the admin", async () => {
    const web = await startWeb();
    for (const path of ["", "/live", "/ready"]) {
      expect((await web.get(`/api/admin/health${path}`)).status).toBe(401);
      expect((await web.get(`/api/admin/health${path}`, admin)).status).toBe(200);
    }
  });
});

describe("background mining", () => {
  it("is started and stopped with the admin's key, nowhere else", async () => {
    const backend = fakeBackend();
    const web = await startWeb({ backend });
    const post = (path: string, key: string) => web.post(path, {}, { "X-API-Key": key });
    expect((await post("/api/admin/mining/start", walletKey)).status).toBe(403);
    for (const mount of ["v1", "wallet"]) expect((await post(`/api/${mount}/mining/start`, adminKey)).status).toBe(404);
    expect(backend.calls).toEqual([]);
    expect((await post("/api/admin/mining/start", adminKey)).body.data.background).toBe(true);
    expect((await post("/api/admin/mining/stop", adminKey)).body.data.background).toBe(false);
    expect(backend.calls).toEqual(["mining true", "mining false"]);
  });
});

describe("the description", () => {
  it("has every path of the original, and the keys they need", async () => {
    const web = await startWeb();
    const { body } = await web.get("/api-docs/openapi.json");
    const paths = Object.keys(body.paths);
    for (const [path] of fields) {
      const shape = path
        .split("?")[0]
        ?.replace(id(3), "{hash}")
        .replace(id(100), "{txid}")
        .replace(someAddress, "{address}");
      expect(paths).toContain(`/api/v1${shape}`);
      expect(paths).toContain(`/api/admin${shape}`);
    }
    for (const path of ["/api/v1/mining/generatetoaddress", "/api/wallet/wallet", "/api/wallet/transactions"])
      expect(body.paths[path].post.security).toEqual([{ key: [] }]);
    expect(body.paths["/api/v1/blockchain"].get.security).toBeUndefined();
    expect(paths.filter((path) => !/^\/(api|health)/.test(path))).toEqual([]);
  });

  it("is shown without anything from elsewhere", async () => {
    const web = await startWeb();
    const page = await web.get("/swagger-ui/");
    expect(page.status).toBe(200);
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(page.body).not.toMatch(/(src|href)="(https?:)?\/\//);
  });
});
