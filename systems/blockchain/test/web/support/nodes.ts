/** Real nodes, as processes of their own, in folders of their own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { adminKey, walletKey } from "./server.ts";
import { until } from "./until.ts";

const program = fileURLToPath(new URL("../../../bin/blockchain.js", import.meta.url));

export interface NodeProcess {
  readonly p2pPort: number;
  /** Undefined for a miner. */
  readonly url: string | undefined;
}

export interface NodeOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly peers?: readonly NodeProcess[];
}

/** Ends with the test, by SIGTERM. */
export async function startNode({ env = {}, peers = [] }: NodeOptions): Promise<NodeProcess> {
  const dir = await mkdtemp(join(tmpdir(), "blockchain-web-"));
  const p2pPort = await freePort();
  const child = spawn(process.execPath, [program, "node"], {
    cwd: dir,
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      PATH: process.env.PATH ?? "",
      BLOCKCHAIN_NETWORK: "regtest",
      NODE_ADDR: `127.0.0.1:${p2pPort}`,
      NODE_CONNECT_NODES: peers.map((peer) => `127.0.0.1:${peer.p2pPort}`).join(",") || "local",
      WEB_HOST: "127.0.0.1",
      WEB_PORT: "0",
      HEALTH_PORT: "0",
      RPC_PORT: "0",
      VERIFICATION_THREADS: "1",
      BITCOIN_API_ADMIN_KEY: adminKey,
      BITCOIN_API_WALLET_KEY: walletKey,
      ...env,
    },
  });
  onTestFinished(async () => {
    await stop(child);
    await rm(dir, { recursive: true, force: true });
  });
  const log = linesOf(child);
  await until(() => child.exitCode !== null || log.some(({ msg }) => msg === "node started"));
  if (child.exitCode !== null) throw new TypeError(`the node ended with ${child.exitCode}: ${JSON.stringify(log)}`);
  const port = log.find(({ msg }) => msg === "the web is served")?.port;
  return { p2pPort, url: port === undefined ? undefined : `http://127.0.0.1:${port}` };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  const hard = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await once(child, "exit");
  clearTimeout(hard);
}

interface Line {
  readonly msg?: string;
  readonly port?: number;
}

function linesOf(child: ChildProcess): Line[] {
  const lines: Line[] = [];
  let rest = "";
  child.stdout?.on("data", (data) => {
    const parts = (rest + data).split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts.filter((part) => part.startsWith("{")).map((part) => JSON.parse(part) as Line));
  });
  return lines;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** `data` of the answer; a refusal is an error. */
export async function ask<T>(node: NodeProcess, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${node.url}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { "x-api-key": adminKey, ...(body !== undefined && { "content-type": "application/json" }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as { readonly success: boolean; readonly data: T; readonly error: string };
  if (!answer.success) throw new TypeError(`${path}: ${answer.error}`);
  return answer.data;
}
