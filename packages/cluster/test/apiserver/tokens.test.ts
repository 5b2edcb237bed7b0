import { createSign } from "node:crypto";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openTokens, type Tokens } from "../../src/apiserver/auth/tokens.ts";
import { openPki, type Pki } from "../../src/apiserver/pki/pki.ts";
import { openStore } from "../../src/machinery/open-store.ts";
import type { ApiStore } from "../../src/machinery/store.ts";
import { testPlan } from "./fixture.ts";

let pki: Pki;
let store: ApiStore;
let tokens: Tokens;
let now: number;
const clock = { now: () => now, after: () => () => {} };

beforeAll(async () => {
  pki = await openPki();
});
beforeEach(async () => {
  now = Date.parse("2026-01-01T00:00:00Z");
  store = await openStore({ plan: testPlan, clock });
  await store.create("serviceaccounts", { metadata: { name: "robot", namespace: "default" } });
  tokens = openTokens({ pki, store, clock });
});

const account = { namespace: "default", serviceAccount: "robot" };

describe("service-account tokens", () => {
  it("name the account, its groups and what they are bound to", async () => {
    const { token, expiresAt } = await tokens.issueToken(account);
    expect(expiresAt).toBe("2026-01-01T01:00:00Z");
    expect(tokens.authenticate(token)?.user).toMatchObject({
      username: "system:serviceaccount:default:robot",
      uid: store.get("serviceaccounts", "default", "robot")?.metadata.uid,
      groups: ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"],
      extra: { "authentication.kubernetes.io/credential-id": [expect.stringMatching(/^JTI=/)] },
    });
  });

  it("end with their time", async () => {
    const { token } = await tokens.issueToken({ ...account, expirationSeconds: 600 });
    now += 599_999;
    expect(tokens.authenticate(token)).toBeDefined();
    now += 1;
    expect(tokens.authenticate(token)).toBeUndefined();
  });

  it("end with their account, and do not come back with its namesake", async () => {
    const { token } = await tokens.issueToken(account);
    await store.delete("serviceaccounts", "default", "robot");
    expect(tokens.authenticate(token)).toBeUndefined();
    await store.create("serviceaccounts", { metadata: { name: "robot", namespace: "default" } });
    expect(tokens.authenticate(token)).toBeUndefined();
  });

  it("end with their pod", async () => {
    await store.create("pods", {
      metadata: { name: "p", namespace: "default" },
      spec: { containers: [{ name: "c", image: "i" }] },
    });
    const { token } = await tokens.issueToken({ ...account, pod: "p" });
    expect(tokens.authenticate(token)?.user.extra?.["authentication.kubernetes.io/pod-name"]).toEqual(["p"]);
    await store.delete("pods", "default", "p", { gracePeriodSeconds: 0 });
    expect(tokens.authenticate(token)).toBeUndefined();
  });

  it("are good for their audience only", async () => {
    const { token } = await tokens.issueToken({ ...account, audiences: ["vault"] });
    expect(tokens.authenticate(token)).toBeUndefined();
    expect(tokens.authenticate(token, ["vault", "other"])?.audiences).toEqual(["vault"]);
  });

  it("are refused for what does not exist", async () => {
    await expect(tokens.issueToken({ ...account, serviceAccount: "x" })).rejects.toMatchObject({ reason: "NotFound" });
    await expect(tokens.issueToken({ ...account, pod: "x" })).rejects.toMatchObject({ reason: "NotFound" });
  });
});

describe("forgeries", () => {
  it.each(["", "x", "a.b.c", "a.b.c.d", "x".repeat(100_000)])("%# is nobody's", (token) => {
    expect(tokens.authenticate(token)).toBeUndefined();
  });

  it("a changed payload is nobody's", async () => {
    const { token } = await tokens.issueToken(account);
    const [header, payload = "", signature] = token.split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
    const forged = Buffer.from(JSON.stringify({ ...claims, sub: "system:admin" })).toString("base64url");
    expect(tokens.authenticate(`${header}.${forged}.${signature}`)).toBeUndefined();
  });

  it("the header can't choose another algorithm", () => {
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const body = `${encode({ alg: "none" })}.${encode({ iss: tokens.issuer })}`;
    expect(tokens.authenticate(`${body}.`)).toBeUndefined();
    const der = createSign("sha256").update(body).sign(pki.tokenKey).toString("base64url");
    expect(tokens.authenticate(`${body}.${der}`)).toBeUndefined();
  });

  it("the administrator's token is compared whole", () => {
    expect(tokens.authenticate(pki.adminToken)?.user.groups).toContain("system:masters");
    expect(tokens.authenticate(pki.adminToken.slice(0, -1))).toBeUndefined();
  });
});
