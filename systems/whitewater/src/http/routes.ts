/** All paths, in one table. */
import { WhitewaterError } from "../errors.ts";
import { parseQuestion } from "../membership/parse.ts";
import { type Answer, failure, json } from "./answer.ts";
import { badRequest, type Call } from "./call.ts";
import { addMember, cluster, listMembers, moveLeader, promoteMember, removeMember } from "./cluster-routes.ts";
import type { HttpContext, RunningMember } from "./context.ts";
import { deleteKey, getKey, putKey } from "./kv-routes.ts";
import { watchKey } from "./watch-route.ts";

export const PEER_PATH = "/peer/membership";
export const RAFT_PATH = "/peer/raft";

export interface Route {
  readonly method: string;
  /** A path, in which `*` stands for everything up to what follows it. */
  readonly path: string;
  /** Only for holders of the cluster's certificate, where there is TLS. */
  readonly isForPeers?: boolean;
  /** Goes on for as long as the client listens, so it has no deadline. */
  readonly isEndless?: boolean;
  readonly run: (context: HttpContext, call: Call) => Promise<Answer> | Answer;
}

type OfMember = (member: RunningMember, call: Call) => Promise<Answer> | Answer;

/** Needs a member that takes part. */
const withMember =
  (run: OfMember): Route["run"] =>
  (context, call) => {
    const member = context.member();
    if (!member) throw new WhitewaterError("not-formed", `This pod takes no part yet: ${context.waitsFor()}.`);
    return run(member, call);
  };

/** With `?redirect` the client is sent to the leader; without, what it asks is done from here. */
const byLeader =
  (run: OfMember): Route["run"] =>
  (context, call) => {
    const wanted = call.query.get("redirect");
    const address = wanted === null || wanted === "false" ? undefined : context.leaderAddress();
    const isElsewhere = address !== undefined && context.member()?.raft.status().role !== "leader";
    return isElsewhere ? redirect(address, call) : withMember(run)(context, call);
  };

const redirect = (address: string, { path }: Call): Answer =>
  failure(307, "not-leader", `The leader is at ${address}.`, { location: `http://${address}${path}` });

const snapshot: OfMember = ({ kv }) => {
  const { revision, sizeBytes, chunks } = kv.snapshot();
  const headers = { "x-whitewater-revision": String(revision), "x-whitewater-size": String(sizeBytes) };
  return { status: 200, headers, stream: chunks };
};

const status = (context: HttpContext): Answer => {
  const member = context.member();
  const facts = { ...context.facts(), peers: context.peers(), waitsFor: member ? null : context.waitsFor() };
  return json(member ? { ...facts, raft: member.raft.status(), store: member.kv.status() } : facts);
};

const askMembership = async (context: HttpContext, call: Call): Promise<Answer> => {
  let question: unknown;
  try {
    question = JSON.parse((await call.body()).toString());
  } catch (error) {
    if (error instanceof WhitewaterError) throw error;
    throw badRequest("The body must be JSON.");
  }
  return json(await context.answer(parseQuestion(question)));
};

export const routes: readonly Route[] = [
  { method: "GET", path: "/v1/kv/*", run: byLeader(({ kv }, call) => getKey(kv, call)) },
  { method: "PUT", path: "/v1/kv/*", run: byLeader(({ kv }, call) => putKey(kv, call)) },
  { method: "DELETE", path: "/v1/kv/*", run: byLeader(({ kv }, call) => deleteKey(kv, call)) },
  { method: "GET", path: "/v1/watch/*", isEndless: true, run: withMember(({ kv }, call) => watchKey(kv, call)) },
  { method: "GET", path: "/v1/cluster", run: withMember(cluster) },
  { method: "GET", path: "/v1/members", run: withMember(listMembers) },
  { method: "POST", path: "/v1/members", run: withMember(addMember) },
  { method: "DELETE", path: "/v1/members/*", run: withMember(removeMember) },
  { method: "POST", path: "/v1/members/*/promote", run: withMember(promoteMember) },
  { method: "POST", path: "/v1/leader", run: withMember(moveLeader) },
  { method: "GET", path: "/v1/snapshot", isEndless: true, run: withMember(snapshot) },
  { method: "GET", path: "/v1/status", run: status },
  { method: "POST", path: PEER_PATH, isForPeers: true, run: askMembership },
];

export interface Found {
  readonly route: Route;
  readonly rest: string;
}

/** The route, or an answer that says why there is none. */
export function findRoute(method: string, path: string): Found | Answer {
  const matching = routes.flatMap((route) => {
    const rest = restOf(route.path, path);
    return rest === undefined ? [] : [{ route, rest }];
  });
  const found = matching.find(({ route }) => route.method === (method === "HEAD" ? "GET" : method));
  if (found) return found;
  if (matching.length === 0) return failure(404, "not-found", `There is nothing at ${path.slice(0, 200)}.`);
  const allow = matching.map(({ route }) => route.method).join(", ");
  return failure(405, "bad-request", `${path.slice(0, 200)} takes ${allow}.`, { allow });
}

function restOf(pattern: string, path: string): string | undefined {
  const [head = "", tail] = pattern.split("*");
  if (tail === undefined) return path === pattern ? "" : undefined;
  if (!path.startsWith(head) || !path.endsWith(tail) || path.length < head.length + tail.length) return undefined;
  return path.slice(head.length, path.length - tail.length);
}
