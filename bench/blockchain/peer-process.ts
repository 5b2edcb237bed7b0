/** Runs bcoin's chain, and its node where it is to speak with peers, and does what it is told by messages. */
import { once } from "node:events";
import Module, { createRequire } from "node:module";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Answer, Question } from "./peer.ts";

const folder = process.argv[2] as string;

interface Loader {
  _load(request: string, ...rest: unknown[]): unknown;
}

// In memory it needs no LevelDB, but loads its binding all the same.
const loader = Module as unknown as Loader;
const load = loader._load;
loader._load = (request, ...rest) => (request === "leveldown" ? class {} : load.call(loader, request, ...rest));

interface PeerChain {
  readonly height: number;
  readonly db: { getCoin(hash: string, index: number): Promise<unknown> };
  add(block: unknown): Promise<unknown>;
}

interface PeerNode {
  readonly chain: PeerChain;
  readonly pool: { startSync(): void; readonly hosts: { addNode(address: string): unknown } };
  ensure(): Promise<void>;
  open(): Promise<void>;
  connect(): Promise<void>;
}

const bcoin = createRequire(join(folder, "package.json"))(folder) as {
  set(network: string): void;
  FullNode: new (options: object) => PeerNode;
  Block: { fromRaw(bytes: Buffer): unknown };
};
bcoin.set("regtest");

let node: PeerNode;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

async function open({ threads, port, coinCacheBytes = 0 }: Extract<Question, { kind: "open" }>): Promise<void> {
  node = new bcoin.FullNode({
    network: "regtest",
    memory: true,
    config: false,
    workers: threads > 0,
    workersSize: threads,
    logLevel: "none",
    listen: port !== undefined,
    host: "127.0.0.1",
    port,
    publicPort: port,
    coinCache: Math.round(coinCacheBytes / 2 ** 20),
    // A seed at which nobody listens, so that it dials whom it is told to.
    seeds: ["127.0.0.1:1"],
    httpPort: await freePort(),
    noAuth: true,
  });
  await node.ensure();
  await node.open();
  if (port !== undefined) await node.connect();
}

async function timed(work: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}

/** Returns the seconds that it took, what came in by message put aside. */
function answer(question: Question): Promise<number> {
  switch (question.kind) {
    case "open":
      return timed(() => open(question));
    case "add": {
      const blocks = question.blocks.map((bytes) => Buffer.from(bytes));
      return timed(async () => {
        for (const bytes of blocks) {
          if (!(await node.chain.add(bcoin.Block.fromRaw(bytes)))) throw new TypeError("bcoin refused a block");
        }
      });
    }
    case "coins": {
      const keys = question.keys.map(({ hash, index }) => ({ hash: Buffer.from(hash).toString("hex"), index }));
      return timed(async () => {
        for (const { hash, index } of keys) {
          if (!(await node.chain.db.getCoin(hash, index))) throw new TypeError("a coin is missing");
        }
      });
    }
    case "dial":
      return timed(async () => {
        node.pool.hosts.addNode(`127.0.0.1:${question.port}`);
        node.pool.startSync();
      });
    case "height":
      return Promise.resolve(0);
  }
}

// Nobody is left to ask.
process.on("disconnect", () => process.exit());
process.on("message", (question: Question) => {
  answer(question).then(
    (seconds) => process.send?.(facts(seconds)),
    (error: Error) => process.send?.({ ...facts(0), error: `bcoin: ${error.stack}` }),
  );
});

const facts = (seconds: number): Answer => ({
  seconds,
  height: node?.chain.height ?? 0,
  rssBytes: process.memoryUsage().rss,
});
