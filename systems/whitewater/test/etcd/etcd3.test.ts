import { Etcd3 } from "etcd3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningServer, startServer } from "./testing.ts";

describe("the npm client etcd3", () => {
  let server: RunningServer;
  let client: Etcd3;

  beforeAll(async () => {
    server = await startServer();
    client = new Etcd3({ hosts: `127.0.0.1:${server.port}` });
  });
  afterAll(async () => {
    client?.close();
    await server?.stop();
  });

  it("puts, gets and deletes", async () => {
    await client.put("a").value("1");
    await client.put("ab").value("2");
    expect(await client.get("a").string()).toBe("1");
    expect(await client.getAll().prefix("a").strings()).toEqual({ a: "1", ab: "2" });
    expect(await client.getAll().prefix("a").count()).toBe(2);
    await client.delete().prefix("a");
    expect(await client.get("a").string()).toBeNull();
  });

  it("decides by conditions", async () => {
    await client.put("if").value("1");
    const result = await client.if("if", "Value", "==", "1").then(client.put("if").value("2")).commit();
    expect(result.succeeded).toBe(true);
    expect(await client.get("if").string()).toBe("2");
  });

  it("watches, and a lease takes its key along", async () => {
    const watcher = await client.watch().prefix("w").create();
    const events: string[] = [];
    watcher.on("put", ({ key }) => events.push(`put ${key}`));
    const deleted = new Promise<void>((resolve) => {
      watcher.on("delete", ({ key }) => {
        events.push(`delete ${key}`);
        resolve();
      });
    });
    const lease = client.lease(30);
    await lease.put("w/1").value("x");
    await lease.revoke();
    await deleted;
    expect(events).toEqual(["put w/1", "delete w/1"]);
    await watcher.cancel();
  });

  it("locks out another", async () => {
    const lock = client.lock("mutex");
    await lock.acquire();
    await expect(client.lock("mutex").acquire()).rejects.toThrow();
    await lock.release();
    expect(await client.lock("mutex").do(async () => "mine")).toBe("mine");
  });

  it("elects", async () => {
    const election = client.election("office", 10);
    const campaign = election.campaign("me");
    await new Promise<void>((resolve) => campaign.on("elected", () => resolve()));
    expect(await election.leader()).toBe("me");
    await campaign.resign();
    expect(await election.leader()).toBeUndefined();
  });
});
