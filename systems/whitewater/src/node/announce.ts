/** What a pod says of its peers and its role. */
import type { Discovery, Logger } from "@coracle/pod";
import type { Raft } from "@coracle/raft";
import { peerLines } from "./peers.ts";

/** The first answer, as the seed's program prints it. */
export async function announcePeers(discovery: Discovery): Promise<void> {
  for await (const peers of discovery) {
    process.stdout.write(`${peerLines(discovery.source, peers)}\n`);
    return;
  }
}

export function announceRoles(raft: Pick<Raft, "subscribe">, logger: Logger): void {
  let last = "";
  raft.subscribe(({ role, term, leader, members }) => {
    const text = `${role} ${leader}`;
    if (text === last) return;
    last = text;
    const name = members.find(({ id }) => id === leader)?.name;
    logger.info(`role: ${role}`, { term, leader: name });
  });
}
