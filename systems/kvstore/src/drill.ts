/** What `coracle drill kvstore` needs to know: a client, its operations, and the register that every key claims to be. */
import {
  type Access,
  type DrillClient,
  type DrillPlugin,
  type Member,
  type Outcome,
  type RegisterInput,
  type RegisterOutput,
  registers,
} from "@coracle/drill";
import type { LogStatus } from "@coracle/lease-log";
import { Client, show } from "./cli/client.ts";
import { KvStoreError, messageOf } from "./errors.ts";
import type { Reply } from "./reply.ts";

const PORT = 5555;
const TIMEOUT_MS = 1000;
const AUTH_SECRET = { name: "kvstore-auth", key: "password" } as const;

/** Answers that promise that nothing was done; every other one leaves it open. See the README's table. */
const NOTHING_DONE = /^(MOVED|CLUSTERDOWN|MASTERDOWN|LOADING|NOREPLICAS|TRYAGAIN|MISCONF|NOAUTH|WRONGPASS|ERR) /;

export const drill: DrillPlugin<string | null, RegisterInput, RegisterOutput> = {
  port: PORT,
  container: "kvstore",
  leader: "kvstore-leader",
  ...registers,
  connect: (access) => new FollowingClient(access),
  processId: async (access, member) => (await statusOf(access, member)).pid,
  async unsettled(access, members) {
    const found = access.members();
    if (found.length < members) return `${members} members to have an address`;
    const all = await Promise.all(found.map((member) => statusOf(access, member).catch(() => undefined)));
    const primary = all.find((status) => status?.role === "primary");
    if (!primary) return "a primary to answer";
    if (primary.blocked !== undefined) return `writes to be taken again: ${primary.blocked}`;
    return primary.inSync.length < members ? `all members to be in sync (now ${primary.inSync.join(", ")})` : undefined;
  },
};

async function statusOf(access: Access, member: Member): Promise<LogStatus & { readonly pid: number }> {
  await using client = await open(access, member);
  return JSON.parse(show(await client.ask("STATUS")));
}

async function open(access: Access, { host, port }: Member): Promise<Client> {
  const password = await access.secret(AUTH_SECRET.name, AUTH_SECRET.key);
  return Client.open({ host, port, timeoutMs: TIMEOUT_MS, password });
}

/** Talks to one member at a time: the one that the last answer pointed to, else the next in turn. */
class FollowingClient implements DrillClient<RegisterInput, RegisterOutput> {
  readonly #access: Access;
  #client: Client | undefined;
  #turn = 0;
  #wanted: string | undefined;
  #isSent = false;

  constructor(access: Access) {
    this.#access = access;
  }

  async perform(key: string, input: RegisterInput): Promise<Outcome<RegisterOutput>> {
    this.#isSent = false;
    try {
      this.#client ??= await this.#open();
      this.#isSent = true;
      return { kind: "done", output: outputOf(input, await this.#client.ask(...wordsOf(key, input))) };
    } catch (error) {
      const reason = messageOf(error);
      this.close();
      this.#wanted = /^MOVED \d+ ([^.:]+)/.exec(reason)?.[1];
      const isUndone = !this.#isSent || (error instanceof KvStoreError && NOTHING_DONE.test(reason));
      return { kind: isUndone ? "refused" : "unknown", reason };
    }
  }

  close(): void {
    void this.#client?.[Symbol.asyncDispose]();
    this.#client = undefined;
  }

  async #open(): Promise<Client> {
    const members = this.#access.members();
    const member = members.find(({ name }) => name === this.#wanted) ?? members[this.#turn++ % members.length];
    this.#wanted = undefined;
    if (!member) throw new KvStoreError("connection", "No member has an address.");
    return open(this.#access, member);
  }
}

function wordsOf(key: string, input: RegisterInput): readonly string[] {
  if (input.op === "set") return ["SET", key, input.value];
  return [input.op === "get" ? "GET" : "DEL", key];
}

function outputOf(input: RegisterInput, reply: Reply): RegisterOutput {
  if (input.op === "delete") return Number(reply);
  return reply === null ? null : show(reply);
}
