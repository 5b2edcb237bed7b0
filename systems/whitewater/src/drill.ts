/** What `coracle drill whitewater` needs to know: a client, its operations, and the register that every key claims to be. */
import {
  type Access,
  type DrillClient,
  type DrillPlugin,
  type Leader,
  type Member,
  type Outcome,
  type RegisterInput,
  type RegisterOutput,
  registers,
} from "@coracle/drill";
import type { RaftStatus } from "@coracle/raft";
import { askJson } from "./cli/client.ts";
import { messageOf, systemCode } from "./errors.ts";

const PORT = 8090;
const TIMEOUT_MS = 1500;
/** Of questions about the members, which are asked all the time. */
const STATUS_MS = 500;
/** Voters are the lowest ordinals; see MAX_VOTERS. */
const MAX_VOTERS = 5;

/** Answers that promise that nothing was done; every other one leaves it open. */
const NOTHING_DONE = new Set([
  "unreachable",
  "not-formed",
  "no-leader",
  "no-space",
  "too-many-requests",
  "overloaded",
  "stopped",
  "not-leader",
]);

export const drill: DrillPlugin<string | null, RegisterInput, RegisterOutput> = {
  port: PORT,
  container: "whitewater",
  leader: newestLeader,
  ...registers,
  connect: (access) => new RoamingClient(access),
  processId: async (_, member) => (await statusOf(member)).pid,
  unsettled,
};

interface Status {
  readonly pid: number;
  readonly member: string;
  readonly raft?: RaftStatus;
}

const targetOf = ({ host, port }: Member, timeoutMs: number) => ({
  endpoints: [host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`],
  timeoutMs,
});

const statusOf = (member: Member): Promise<Status> =>
  askJson<Status>(targetOf(member, STATUS_MS), { path: "/v1/status" });

const statuses = (access: Access): Promise<(Status | undefined)[]> =>
  Promise.all(access.members().map((member) => statusOf(member).catch(() => undefined)));

/** A leader that was cut off may not know it yet: the one of the newest term leads. */
async function newestLeader(access: Access): Promise<Leader | undefined> {
  const leaders = (await statuses(access)).flatMap((status) => (status?.raft?.role === "leader" ? [status.raft] : []));
  const [newest] = leaders.sort((a, b) => b.term - a.term);
  const name = newest?.members.find(({ id }) => id === newest.id)?.name;
  return newest && name !== undefined ? { name, term: newest.term } : undefined;
}

async function unsettled(access: Access, pods: number): Promise<string | undefined> {
  const found = access.members();
  if (found.length < pods) return `${pods} members to have an address`;
  const all = await statuses(access);
  const silent = found.find((_, n) => all[n]?.raft === undefined);
  if (silent) return `${silent.name} to take part`;
  const rafts = all.flatMap((status) => status?.raft ?? []);
  const leader = rafts.filter(({ role }) => role === "leader").sort((a, b) => b.term - a.term)[0];
  if (!leader) return "a leader to answer";
  return rafts.map((raft) => missingOf(raft, leader, found)).find((reason) => reason !== undefined);
}

/** A member that holds everything votes, if it is one of the first, and has applied what was committed a moment ago. */
function missingOf({ id, appliedIndex }: RaftStatus, leader: RaftStatus, found: readonly Member[]): string | undefined {
  const member = leader.members.find((each) => each.id === id);
  if (!member || !found.some(({ name }) => name === member.name)) return `${id} to be a member`;
  const ordinal = Number(/\d+$/.exec(member.name)?.[0] ?? 0);
  if (member.isLearner && ordinal < MAX_VOTERS) return `${member.name} to be promoted`;
  if (appliedIndex + LAG_ENTRIES < leader.commitIndex) return `${member.name} to catch up`;
  const known = leader.progress.find((each) => each.id === id);
  return id === leader.id || known?.isActive === true ? undefined : `${member.name} to be heard by the leader`;
}

/** Committed between two answers. */
const LAG_ENTRIES = 500;

/** Talks to one member until it fails, then to the next: every member serves. */
class RoamingClient implements DrillClient<RegisterInput, RegisterOutput> {
  readonly #access: Access;
  #turn = Math.floor(Math.random() * 100);

  constructor(access: Access) {
    this.#access = access;
  }

  async perform(key: string, input: RegisterInput): Promise<Outcome<RegisterOutput>> {
    const members = this.#access.members();
    const member = members[this.#turn % members.length];
    if (!member) return { kind: "refused", reason: "No member has an address." };
    try {
      return { kind: "done", output: await perform(member, key, input) };
    } catch (error) {
      if (input.op === "get" && systemCode(error) === "not-found") return { kind: "done", output: null };
      this.#turn++;
      const isUndone = NOTHING_DONE.has(systemCode(error) ?? "");
      return { kind: isUndone ? "refused" : "unknown", reason: messageOf(error) };
    }
  }

  close(): void {
    // Each request is a connection of its own.
  }
}

async function perform(member: Member, key: string, input: RegisterInput): Promise<RegisterOutput> {
  const path = `/v1/kv/${encodeURIComponent(key)}`;
  const target = targetOf(member, TIMEOUT_MS);
  if (input.op === "get") return (await askJson<{ value: string }>(target, { path })).value;
  if (input.op === "delete") return (await askJson<{ deleted: number }>(target, { method: "DELETE", path })).deleted;
  await askJson(target, { method: "PUT", path, body: input.value });
  return "OK";
}
