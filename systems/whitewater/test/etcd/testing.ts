/** A member of a group of one, served to etcd's clients; and a gRPC client with a codec of its own, so that ours is not tested by itself. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openRaft } from "@coracle/raft";
import { Client, type ClientDuplexStream, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { type ServeEtcdOptions, serveEtcd } from "../../src/etcd/serve.ts";
import { createKv, type KvOptions } from "../../src/kv/kv.ts";
import { createStore } from "../../src/store/store.ts";

export interface RunningServer {
  readonly port: number;
  readonly kv: ReturnType<typeof createKv>;
  readonly store: ReturnType<typeof createStore>;
  stop(): Promise<void>;
}

type Overrides = Partial<
  Pick<ServeEtcdOptions, "maxRequestBytes" | "maxWatches" | "limits" | "progressIntervalMs" | "tls">
> &
  Partial<Pick<KvOptions, "quotaBytes" | "nowMs">>;

export async function startServer(overrides: Overrides = {}): Promise<RunningServer> {
  const dir = await mkdtemp(join(tmpdir(), "whitewater-etcd-"));
  const store = createStore();
  const id = "00000000000000a1";
  const raft = await openRaft({
    id,
    clusterId: "00000000000000c1",
    dir,
    stateMachine: store,
    bootstrap: [{ id, name: "whitewater-0", address: "127.0.0.1:1" }],
    timing: { electionMs: 100, heartbeatMs: 50, tickMs: 10 },
  });
  await raft.start();
  const kv = createKv({ raft, store, ...overrides });
  const faults: unknown[] = [];
  const onFault = (error: unknown): void => {
    faults.push(error);
  };
  const server = await serveEtcd({ kv, raft, host: "127.0.0.1", port: 0, onFault, ...overrides });
  return {
    port: server.port,
    kv,
    store,
    async stop() {
      await server.stop(100);
      kv.stop();
      await raft.stop();
      await rm(dir, { recursive: true, force: true });
      if (faults.length > 0) throw faults[0];
    },
  };
}

const protoDir = fileURLToPath(new URL("../../proto", import.meta.url));
const definitions = loadSync("rpc.proto", {
  includeDirs: [protoDir],
  longs: String,
  bytes: Buffer,
  defaults: true,
  oneofs: false,
  enums: Number,
});

interface Definition {
  readonly path: string;
  readonly requestSerialize: (value: object) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => unknown;
}

function method(path: string): Definition {
  const [service = "", name = ""] = path.split("/");
  const found = (definitions[`etcdserverpb.${service}`] as unknown as Record<string, Definition>)[name];
  if (found === undefined) throw new TypeError(`no method ${path}`);
  return found;
}

/** What an answer or a refusal looks like when two servers are compared. */
export type Outcome = { readonly ok: unknown } | { readonly code: number; readonly message: string };

export class RawClient {
  private readonly client: Client;

  constructor(port: number) {
    this.client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
    });
  }

  call(path: string, request: object): Promise<Outcome> {
    const { requestSerialize, responseDeserialize, path: full } = method(path);
    return new Promise((resolve) => {
      this.client.makeUnaryRequest(full, requestSerialize, responseDeserialize, request, (error, answer) => {
        resolve(error === null ? { ok: answer } : { code: error.code, message: error.details });
      });
    });
  }

  async answer<T>(path: string, request: object): Promise<T> {
    const outcome = await this.call(path, request);
    if ("ok" in outcome) return outcome.ok as T;
    throw new TypeError(`${path}: ${outcome.message}`);
  }

  stream(path: string, metadata = new Metadata()): ClientDuplexStream<object, unknown> {
    const { requestSerialize, responseDeserialize, path: full } = method(path);
    const stream = this.client.makeBidiStreamRequest(full, requestSerialize, responseDeserialize, metadata);
    stream.on("error", (_error: ServiceError) => undefined);
    return stream;
  }

  close(): void {
    this.client.close();
  }
}
