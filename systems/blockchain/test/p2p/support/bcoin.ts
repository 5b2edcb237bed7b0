/** A node of another implementation: bcoin, where it is on the PATH (`npm install -g --ignore-scripts bcoin`). */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { realpathSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** Its native parts are not built by `--ignore-scripts`; in memory it needs none but tries to load this one. */
const PRELOAD = `const Module = require("node:module");
const load = Module._load;
Module._load = function (request, ...rest) { return request === "leveldown" ? class {} : load.call(this, request, ...rest); };`;

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

export class Bcoin {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #http: number;
  readonly #wallet: number;
  readonly #dir: string;

  private constructor(process_: ChildProcess, ports: readonly number[], dir: string) {
    this.#process = process_;
    [this.port, this.#http, this.#wallet] = ports as [number, number, number];
    this.#dir = dir;
  }

  /** `path` is that of its command. */
  static async start(path: string): Promise<Bcoin> {
    const dir = await mkdtemp(join(tmpdir(), "bcoin-"));
    const preload = join(dir, "preload.cjs");
    await writeFile(preload, PRELOAD);
    const ports = [await freePort(), await freePort(), await freePort()];
    const flags = {
      network: "regtest",
      memory: "true",
      prefix: dir,
      listen: "true",
      host: "127.0.0.1",
      port: ports[0],
      "http-host": "127.0.0.1",
      "http-port": ports[1],
      "wallet-http-host": "127.0.0.1",
      "wallet-http-port": ports[2],
      "no-auth": "true",
      "wallet-no-auth": "true",
      workers: "false",
      "log-level": "none",
      // A seed that nobody listens at, so that it dials whom it is told to.
      seeds: "127.0.0.1:1",
    };
    const node = join(dirname(realpathSync(path)), "node");
    const child = spawn(
      process.execPath,
      ["-r", preload, node, ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)])],
      { env: { ...process.env, NODE_BACKEND: "js", BCOIN_NETWORK: "regtest" }, stdio: "ignore" },
    );
    const bcoin = new Bcoin(child, ports, dir);
    for (let i = 0; ; i++) {
      try {
        await bcoin.rpc("getblockcount");
        return bcoin;
      } catch (error) {
        if (i > 300 || child.exitCode !== null) {
          await bcoin.stop();
          throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  rpc<T>(method: string, ...params: readonly unknown[]): Promise<T> {
    return call<T>(this.#http, method, params);
  }

  wallet<T>(method: string, ...params: readonly unknown[]): Promise<T> {
    return call<T>(this.#wallet, method, params);
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null) {
      this.#process.kill("SIGKILL");
      await once(this.#process, "exit");
    }
    await rm(this.#dir, { recursive: true, force: true });
  }
}

async function call<T>(port: number, method: string, params: readonly unknown[]): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${port}/`, {
    method: "POST",
    body: JSON.stringify({ method, params }),
  });
  const { result, error } = (await response.json()) as { result: T; error: { message: string } | null };
  if (error) throw new Error(`${method}: ${error.message}`);
  return result;
}
