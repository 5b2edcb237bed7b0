/** `status`, `members`, `move-leader`, `roles`. */
import type { Command } from "commander";
import { askJson } from "./client.ts";
import { type Globals, print } from "./shared.ts";
import { type ClusterAnswer, clusterText, type MemberLine, membersText } from "./text.ts";

interface Moved {
  readonly from: string | null;
  readonly to: string | null;
  readonly pauseMs: number;
}

/** Asks once more where only the leader knows: who is active. */
async function members({ target }: Globals): Promise<readonly MemberLine[]> {
  const { members: seen } = await askJson<ClusterAnswer>(target, { path: "/v1/members" });
  const leader = seen.find(({ role }) => role === "leader");
  if (!leader || seen.some(({ isActive }) => isActive !== undefined)) return seen;
  return askJson<ClusterAnswer>({ ...target, endpoints: [leader.address] }, { path: "/v1/members" }).then(
    (answer) => answer.members,
    () => seen,
  );
}

export function addClusterCommands(program: Command, globals: () => Globals): void {
  const show = (answer: unknown, text: () => string): void => print(globals().json ? JSON.stringify(answer) : text());

  program
    .command("status")
    .description("show the cluster, its leader and its members")
    .addHelpText(
      "after",
      "\nExamples:\n  whitewater status\n  whitewater status --endpoint whitewater-0.whitewater-headless:8090 --json",
    )
    .action(async () => {
      const answer = await askJson<ClusterAnswer>(globals().target, { path: "/v1/cluster" });
      show(answer, () => clusterText(answer));
    });

  program
    .command("roles")
    .description("print each pod's role as JSON, for coracle status")
    .action(async () => {
      const { members: all } = await askJson<ClusterAnswer>(globals().target, { path: "/v1/members" });
      print(JSON.stringify(Object.fromEntries(all.map(({ name, role }) => [name, role]))));
    });

  const group = program.command("members").description("list, add, remove and promote members");
  group
    .command("list", { isDefault: true })
    .description("list the members")
    .action(async () => {
      const all = await members(globals());
      show(all, () => membersText(all));
    });
  group
    .command("add <name> <address>")
    .description("add a member as learner; pods of the StatefulSet ask for this themselves")
    .option("--id <id>", "of its disk: 16 hex digits, from its data folder's membership.json")
    .addHelpText(
      "after",
      "\nExample:\n  whitewater members add whitewater-5 whitewater-5.whitewater-headless:8090 --id 0123456789abcdef",
    )
    .action(async (name: string, address: string, { id }: { id?: string }) => {
      const body = JSON.stringify({ name, address, ...(id !== undefined && { id }) });
      const added = await askJson<MemberLine>(globals().target, { method: "POST", path: "/v1/members", body });
      show(added, () => `${added.name} (${added.id}) is a learner`);
    });
  group
    .command("remove <member>")
    .description("remove a member, by name or id; refused where it could cost the majority")
    .addHelpText("after", "\nExample:\n  whitewater members remove whitewater-4")
    .action(async (member: string) => {
      const path = `/v1/members/${encodeURIComponent(member)}`;
      const removed = await askJson<{ readonly name: string }>(globals().target, { method: "DELETE", path });
      show(removed, () => `${removed.name} is no member any more`);
    });
  group
    .command("promote <member>")
    .description("let a learner vote; refused before it has caught up")
    .addHelpText("after", "\nExample:\n  whitewater members promote whitewater-4")
    .action(async (member: string) => {
      const path = `/v1/members/${encodeURIComponent(member)}/promote`;
      const promoted = await askJson<{ readonly name: string }>(globals().target, { method: "POST", path });
      show(promoted, () => `${promoted.name} votes`);
    });

  program
    .command("move-leader [to]")
    .description("hand leadership over, to the named member or to the most caught-up one; no write is lost")
    .option("--to <member>", "the same")
    .addHelpText("after", "\nExample:\n  whitewater move-leader whitewater-1")
    .action(async (argument: string | undefined, options: { to?: string }) => {
      const to = argument ?? options.to;
      const body = JSON.stringify(to === undefined ? {} : { to });
      const moved = await askJson<Moved>(globals().target, { method: "POST", path: "/v1/leader", body });
      show(moved, () => `${moved.to} leads in place of ${moved.from}; ${moved.pauseMs} ms`);
    });
}
