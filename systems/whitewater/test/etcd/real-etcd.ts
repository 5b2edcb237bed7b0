/** A real etcd of one member on loopback, in a folder of its own. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../src/testing/process-group.ts";
import { RawClient } from "./testing.ts";

export async function startEtcd(path: string): Promise<{ port: number; stop(): Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), "real-etcd-"));
  const [port, peerPort] = [await freePort(), await freePort()];
  const urls = (kind: string, at: number): string[] => [
    `--listen-${kind}-urls=http://127.0.0.1:${at}`,
    `--${kind === "peer" ? "initial-advertise-peer" : "advertise-client"}-urls=http://127.0.0.1:${at}`,
  ];
  const child = spawn(
    path,
    [
      "--name=m",
      `--data-dir=${dir}`,
      ...urls("client", port),
      ...urls("peer", peerPort),
      `--initial-cluster=m=http://127.0.0.1:${peerPort}`,
    ],
    { stdio: "ignore" },
  );
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  await untilServing(port);
  return {
    port,
    async stop() {
      child.kill("SIGTERM");
      await ended;
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function untilServing(port: number): Promise<void> {
  const client = new RawClient(port);
  try {
    for (let attempts = 0; attempts < 300; attempts++) {
      if ("ok" in (await client.call("KV/Range", { key: Buffer.from("a") }))) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new TypeError("etcd does not answer");
  } finally {
    client.close();
  }
}
