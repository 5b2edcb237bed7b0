/** etcdserverpb.Cluster: members are Raft's; etcd's URLs are `http://` and our addresses. */
import { randomBytes } from "node:crypto";
import { isIP } from "node:net";
import { type MemberChange, RaftError } from "@coracle/raft";
import { WhitewaterError } from "../../errors.ts";
import { failureOf } from "../../kv/failure.ts";
import { refuse } from "../../kv/refusals.ts";
import * as messages from "../../proto/cluster.ts";
import { type EtcdContext, hexOf, idOf } from "../context.ts";
import { type Method, unary } from "../grpc.ts";

export function clusterMethods(context: EtcdContext): readonly (readonly [string, Method])[] {
  const { raft, header, clientUrls } = context;

  const members = () =>
    raft.status().members.map((member) => ({
      id: idOf(member.id),
      name: member.name,
      peerUrls: [`http://${member.address}`],
      clientUrls: clientUrls(member),
      isLearner: member.isLearner,
    }));
  const find = (id: bigint) => {
    const found = raft.status().members.find((member) => member.id === hexOf(id));
    if (found === undefined) throw refuse("member-not-found");
    return found;
  };
  const change = async (
    wanted: MemberChange,
  ): Promise<{ header: ReturnType<typeof header>; members: ReturnType<typeof members> }> => {
    await raft.changeMembers(wanted).catch((error: unknown) => {
      throw changeFailure(error, wanted);
    });
    return { header: header(), members: members() };
  };

  return [
    [
      "/etcdserverpb.Cluster/MemberList",
      unary(messages.memberListRequest, messages.memberListResponse, async ({ linearizable }) => {
        if (linearizable) await raft.readBarrier().catch(rethrow);
        return { header: header(), members: members() };
      }),
    ],
    [
      "/etcdserverpb.Cluster/MemberAdd",
      // Every member begins as a learner, whatever is asked: it is promoted once it has the log, so that adding one never costs the quorum.
      unary(messages.memberAddRequest, messages.memberAddResponse, async ({ peerUrls }) => {
        const address = addressOf(peerUrls);
        if (raft.status().members.some((member) => member.address === address)) throw refuse("peer-url-exists");
        const id = randomBytes(8).toString("hex");
        const host = address.slice(0, address.lastIndexOf(":"));
        // A pod's host name begins with its own; an address has no name in it.
        const name = isIP(host.replace(/^\[|\]$/g, "")) === 0 ? (host.split(".")[0] ?? host) : address;
        const answer = await change({ kind: "add-learner", member: { id, name, address } });
        return { ...answer, member: answer.members.find((member) => member.id === idOf(id)) };
      }),
    ],
    [
      "/etcdserverpb.Cluster/MemberRemove",
      unary(messages.memberRemoveRequest, messages.memberRemoveResponse, async ({ id }) =>
        change({ kind: "remove", id: find(id).id }),
      ),
    ],
    [
      "/etcdserverpb.Cluster/MemberUpdate",
      unary(messages.memberUpdateRequest, messages.memberUpdateResponse, async ({ id, peerUrls }) => {
        const { id: hex, name } = find(id);
        return change({ kind: "update", id: hex, name, address: addressOf(peerUrls) });
      }),
    ],
    [
      "/etcdserverpb.Cluster/MemberPromote",
      unary(messages.memberPromoteRequest, messages.memberPromoteResponse, async ({ id }) => {
        const { id: hex, isLearner } = find(id);
        if (!isLearner) throw refuse("member-not-learner");
        return change({ kind: "promote", id: hex });
      }),
    ],
  ];
}

/** The one address of a list of URLs. Throws `member-bad-urls`. */
function addressOf(urls: readonly string[]): string {
  const [first] = urls;
  if (first === undefined || !URL.canParse(first)) throw refuse("member-bad-urls");
  const { protocol, hostname, port, pathname } = new URL(first);
  if (!/^https?:$/.test(protocol) || hostname === "" || port === "" || pathname !== "/")
    throw refuse("member-bad-urls");
  return `${hostname}:${port}`;
}

function changeFailure(cause: unknown, { kind }: MemberChange): unknown {
  if (cause instanceof RaftError && cause.code === "unsafe")
    return refuse(kind === "promote" ? "learner-not-ready" : "member-not-enough-started", { cause });
  if (cause instanceof RaftError && cause.code === "invalid")
    return kind === "remove"
      ? refuse("member-not-enough-started", { cause })
      : new WhitewaterError("member-exists", `whitewater: ${cause.message}`, { cause });
  return failureOf(cause);
}

function rethrow(cause: unknown): never {
  throw failureOf(cause);
}
