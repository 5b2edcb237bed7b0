/** A real Redis on a free loopback port, which keeps nothing. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface RedisServer extends AsyncDisposable {
  readonly port: number;
}

export async function startRedis(...flags: string[]): Promise<RedisServer> {
  const port = await freePort();
  const dir = await mkdtemp(join(tmpdir(), "kvstore-redis-"));
  const child = spawn("redis-server", [
    ...["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", dir],
    ...flags,
  ]);
  await new Promise<void>((resolve) => {
    child.stdout.on("data", (text) => String(text).includes("Ready to accept") && resolve());
  });
  const stop = async (): Promise<void> => {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill();
    await ended;
    await rm(dir, { recursive: true });
  };
  return { port, [Symbol.asyncDispose]: stop };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
