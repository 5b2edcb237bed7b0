import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { program } from "../../../scripts/testing/programs.ts";
import { createEndpoint, type WireEndpoint, type WireHandlers, type WireTls } from "../src/index.ts";

const hasOpenssl = program("openssl") !== undefined;

let dir: string;
const open: WireEndpoint[] = [];
const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: dir, stdio: "ignore" });

function makeCa(name: string): void {
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...curve,
    "-keyout",
    `${name}.key`,
    "-out",
    `${name}.crt`,
    "-subj",
    `/CN=${name}`,
    "-days",
    "2",
  );
}

function makeCertificate(ca: string, name: string): WireTls {
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl("req", ...curve, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
  openssl(
    "x509",
    "-req",
    "-in",
    `${name}.csr`,
    "-CA",
    `${ca}.crt`,
    "-CAkey",
    `${ca}.key`,
    "-CAcreateserial",
    "-out",
    `${name}.crt`,
    "-days",
    "2",
  );
  return { certFile: join(dir, `${name}.crt`), keyFile: join(dir, `${name}.key`), caFile: join(dir, `${ca}.crt`) };
}

async function endpoint(id: string, tls: WireTls | undefined, handlers: WireHandlers = {}): Promise<WireEndpoint> {
  const limits = { retryMinMs: 5, retryMaxMs: 20 };
  const made = createEndpoint({ protocol: "t/1", cluster: "c", id, host: "127.0.0.1", port: 0, tls, handlers, limits });
  open.push(made);
  await made.start();
  return made;
}

describe.skipIf(!hasOpenssl)("mutual TLS", () => {
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "wire-tls-"));
    makeCa("ours");
    makeCa("theirs");
  });
  afterAll(() => rmSync(dir, { recursive: true }));
  afterEach(async () => {
    await Promise.all(open.splice(0).map((made) => made.stop()));
  });

  it("connects peers of one CA", async () => {
    const b = await endpoint("b", makeCertificate("ours", "b"), {
      request: async (_from, _method, payload) => payload,
    });
    await new Promise<void>((up) => {
      void endpoint("a", makeCertificate("ours", "a"), { up: () => up() }).then((a) =>
        a.setPeers([{ id: "b", host: "127.0.0.1", port: b.port }]),
      );
    });
    const a = open[1] as WireEndpoint;
    expect((await a.request("b", "echo", Buffer.from("secret"))).toString()).toBe("secret");
  });

  it.each([
    ["another CA's certificate", () => makeCertificate("theirs", "stranger")],
    ["no TLS at all", () => undefined],
  ])("refuses %s", async (_, tls) => {
    const ups: string[] = [];
    const b = await endpoint("b", makeCertificate("ours", "b2"), { up: (peer) => void ups.push(peer) });
    await new Promise<void>((down) => {
      void endpoint("a", tls(), { down: () => down(), up: (peer) => void ups.push(peer) }).then((a) =>
        a.setPeers([{ id: "b", host: "127.0.0.1", port: b.port }]),
      );
    });
    expect(ups).toEqual([]);
  });
});
