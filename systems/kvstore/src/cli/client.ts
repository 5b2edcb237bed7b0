/** The command line's connection to a server: one command at a time, following redirections to the primary. */
import { connect, type Socket } from "node:net";
import { KvStoreError, messageOf } from "../errors.ts";
import { type Reply, ReplyError, Status } from "../reply.ts";
import { ReplyParser } from "../resp/replies.ts";

export interface Target {
  readonly host: string;
  readonly port: number;
  readonly password?: string | undefined;
  readonly timeoutMs: number;
}

type Word = string | Uint8Array;

/** Redirections followed for one command: a deposed primary may point to one that has just been deposed itself. */
const MAX_REDIRECTIONS = 5;

export class Client implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #parser = new ReplyParser();
  #wake: (() => void) | undefined;
  #failure: KvStoreError | undefined;

  private constructor(socket: Socket, target: Target) {
    this.#socket = socket;
    socket.on("data", (chunk) => {
      this.#parser.push(chunk);
      this.#wake?.();
    });
    socket.on("close", () => this.#fail(`${addressOf(target)} closed the connection.`));
    socket.on("error", (error) => this.#fail(`The connection to ${addressOf(target)} broke: ${error.message}.`));
    socket.setTimeout(target.timeoutMs, () =>
      this.#fail(`${addressOf(target)} did not answer within ${target.timeoutMs} ms.`),
    );
  }

  static async open(target: Target): Promise<Client> {
    const client = new Client(await dial(target), target);
    if (target.password !== undefined) await client.ask("AUTH", target.password);
    return client;
  }

  /** The reply to one command. An error reply rejects with `refused`, a lost connection with `connection`. */
  async ask(...words: readonly Word[]): Promise<Reply> {
    this.#socket.write(encodeRequest(words));
    const reply = await this.next();
    if (reply instanceof ReplyError) throw new KvStoreError("refused", reply.message);
    return reply;
  }

  /** Sends all commands at once and resolves with their replies in order; rejects as `ask` does. The caller bounds how much that is. */
  async askAll(commands: readonly (readonly Word[])[]): Promise<Reply[]> {
    this.#socket.write(Buffer.concat(commands.map(encodeRequest)));
    const replies: Reply[] = [];
    while (replies.length < commands.length) replies.push(await this.next());
    const refusal = replies.find((reply) => reply instanceof ReplyError);
    if (refusal) throw new KvStoreError("refused", refusal.message);
    return replies;
  }

  /** The next reply, whatever was asked. */
  async next(): Promise<Reply> {
    for (;;) {
      const reply = this.#parser.next();
      if (reply !== undefined) return reply;
      if (this.#failure) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
  }

  #fail(message: string): void {
    this.#failure ??= new KvStoreError("connection", message);
    this.#socket.destroy();
    this.#wake?.();
  }
}

/** Runs one command, at the primary if the server says where that is. */
export const askOnce = (target: Target, ...words: readonly Word[]): Promise<Reply> =>
  following(target, (client) => client.ask(...words));

/** Does `work` over a connection to `target`; where the server points to the primary, does it again from its beginning over a connection there. */
export async function following<T>(target: Target, work: (client: Client) => Promise<T>): Promise<T> {
  let current = target;
  for (let left = MAX_REDIRECTIONS; ; left--) {
    try {
      await using client = await Client.open(current);
      return await work(client);
    } catch (error) {
      const moved = /^MOVED \d+ (.+):(\d+)$/.exec(messageOf(error));
      if (!moved?.[1] || left === 0) throw error;
      current = { ...target, host: moved[1], port: Number(moved[2]) };
    }
  }
}

function dial(target: Target): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: target.host, port: target.port, noDelay: true });
    const fail = (why: string): void => {
      socket.destroy();
      reject(unreachable(target, why));
    };
    socket.setTimeout(target.timeoutMs, () => fail(`no answer within ${target.timeoutMs} ms`));
    socket.once("error", (error) => fail(messageOf(error) || "connection refused"));
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      socket.removeAllListeners("timeout");
      resolve(socket);
    });
  });
}

const addressOf = ({ host, port }: Target): string => `${host}:${port}`;

const unreachable = (target: Target, why: string): KvStoreError =>
  new KvStoreError(
    "connection",
    `Can't reach a kvstore at ${addressOf(target)}: ${why}. Is it running? Inside Kubernetes use kubectl port-forward, or --host and --port.`,
  );

function encodeRequest(words: readonly Word[]): Buffer {
  const parts = words.flatMap((word) => {
    const bytes = typeof word === "string" ? Buffer.from(word) : word;
    return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n")];
  });
  return Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...parts]);
}

/** A reply as text for people. */
export function show(reply: Reply): string {
  if (reply instanceof Status) return reply.text;
  if (reply instanceof Uint8Array) return Buffer.from(reply).toString("utf8");
  return String(reply);
}
