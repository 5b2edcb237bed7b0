/** A node of ours as a process, as a user runs it, on loopback; and folders with a chain for it to start on. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openChain } from "../../systems/blockchain/dist/chain/open-chain.js";
import { callRpc, readCookie } from "../../systems/blockchain/dist/cli/rpc-client.js";
import { regtest } from "../../systems/blockchain/dist/consensus/params.js";
import { consensusRules } from "../../systems/blockchain/dist/consensus/rules.js";
import { createVerifier } from "../../systems/blockchain/dist/consensus/verifier.js";
import { decodeBlock } from "../../systems/blockchain/dist/primitives/block.js";

const PROGRAM = fileURLToPath(new URL("../../systems/blockchain/bin/blockchain.js", import.meta.url));

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { readonly port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export async function until(isTrue: () => boolean | Promise<boolean>, what: string, boundMs = 300_000): Promise<void> {
  const end = Date.now() + boundMs;
  while (!(await isTrue())) {
    if (Date.now() > end) throw new TypeError(`${what} did not come true`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The chain's database of a node whose folder is `dir`, filled. */
export async function fillFolder(dir: string, blocks: readonly Buffer[]): Promise<void> {
  const verifier = createVerifier();
  const rules = consensusRules(regtest, verifier);
  const chain = await openChain({ dir: join(dir, "blocks", "chain"), network: regtest, rules });
  for (const bytes of blocks) {
    const result = await chain.addBlock(decodeBlock(bytes), { requested: true });
    if (!result.ok) throw new TypeError(`a valid block was refused: ${result.reason}`);
  }
  await chain.close();
  await verifier.close();
}

export class OurNode {
  readonly port: number;
  readonly webPort: number;
  readonly #dir: string;
  readonly #rpcPort: number;
  readonly #process: ChildProcess;

  private constructor(dir: string, ports: readonly [number, number, number, number], env: NodeJS.ProcessEnv) {
    this.#dir = dir;
    [this.port, this.webPort, this.#rpcPort] = ports;
    this.#process = spawn(process.execPath, [PROGRAM, "node"], {
      stdio: ["ignore", "ignore", "inherit"],
      env: {
        ...process.env,
        BENCH_PART: undefined,
        BLOCKCHAIN_NETWORK: "regtest",
        TREE_DIR: dir,
        WALLET_FILE: join(dir, "wallets.dat"),
        NODE_ADDR: `127.0.0.1:${this.port}`,
        WEB_HOST: "127.0.0.1",
        WEB_PORT: `${this.webPort}`,
        RPC_PORT: `${this.#rpcPort}`,
        HEALTH_PORT: `${ports[3]}`,
        LOG_LEVEL: "error",
        ...env,
      },
    });
  }

  /** Resolves once it answers. */
  static async start(dir: string, env: NodeJS.ProcessEnv = {}): Promise<OurNode> {
    const ports = [await freePort(), await freePort(), await freePort(), await freePort()] as const;
    const node = new OurNode(dir, [...ports], env);
    await until(() => {
      if (node.#process.exitCode !== null) throw new TypeError("the node ended");
      return node.height().then(
        () => true,
        () => false,
      );
    }, "an answer of the node");
    return node;
  }

  async rpc(method: string, ...params: readonly unknown[]): Promise<unknown> {
    const credentials = await readCookie(join(this.#dir, "blocks"));
    return callRpc({ host: "127.0.0.1", port: this.#rpcPort, credentials }, method, params);
  }

  async height(): Promise<number> {
    return (await this.rpc("getblockcount")) as number;
  }

  get pid(): number {
    return this.#process.pid as number;
  }

  get rssBytes(): number {
    const [, kib = "0"] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, "utf8")) ?? [];
    return Number(kib) * 1024;
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, "exit");
    this.#process.kill(signal);
    await ended;
  }
}
