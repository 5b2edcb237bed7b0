/** etcd's own tool against three members in processes of their own. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { program } from "../../../../scripts/testing/programs.ts";
import { ProcessGroup } from "../../src/testing/process-group.ts";

const etcdctl = program("etcdctl");
const execute = promisify(execFile);

describe.skipIf(etcdctl === undefined)("etcdctl and three members", () => {
  let dir: string;
  let group: ProcessGroup;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "whitewater-etcdctl-group-"));
    group = new ProcessGroup({ dir });
    await group.startAll();
  }, 60_000);
  afterAll(async () => {
    await group?.[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  async function run(endpoints: readonly string[], ...args: string[]): Promise<string> {
    const env = { ...process.env, ETCDCTL_API: "3" };
    const { stdout } = await execute(
      etcdctl!,
      [`--endpoints=${endpoints.join(",")}`, "--command-timeout=30s", ...args],
      {
        env,
      },
    );
    return stdout;
  }
  const all = (): string[] => group.members.map(({ etcdAddress }) => etcdAddress);

  /** Ids are taken out of the text, since they are larger than JSON's numbers. */
  async function leadership(): Promise<{ leader: string; followers: { id: string; endpoint: string }[] }> {
    const lines = (await run(all(), "endpoint", "status")).trim().split("\n");
    const rows = lines.map((line) => line.split(", "));
    const leader = rows.find((cells) => cells[4] === "true")?.[0] ?? "";
    const followers = rows
      .filter((cells) => cells[4] === "false")
      .map(([endpoint = "", id = ""]) => ({ endpoint, id }));
    return { leader, followers };
  }

  it("moves leadership to the member that is named", async () => {
    const { leader, followers } = await leadership();
    const target = followers[0]!;
    expect(await run([leader], "move-leader", target.id)).toContain("Leadership transferred");
    expect((await leadership()).leader).toBe(target.endpoint);
    await expect(run([leader], "move-leader", target.id)).rejects.toThrow();
    expect(await run(all(), "put", "after", "move")).toBe("OK\n");
  });

  it("keeps leases over the death of a leader: those that are renewed live, the others end", async () => {
    const grant = async (ttl: number): Promise<string> =>
      /lease (\w+) granted/.exec(await run(all(), "lease", "grant", String(ttl)))![1]!;
    const [long, short] = [await grant(1000), await grant(2)];
    await run(all(), "put", `--lease=${long}`, "held/long", "1");
    await run(all(), "put", `--lease=${short}`, "held/short", "1");
    const { leader } = await leadership();
    await group.members.find(({ etcdAddress }) => etcdAddress === leader)?.kill("SIGKILL");
    await group.until((answer) => answer.leader !== null);
    expect(await run(all(), "lease", "keep-alive", "--once", long)).toContain("keepalived with TTL(1000)");
    await expect.poll(() => run(all(), "get", "held/short"), { timeout: 30_000 }).toBe("");
    expect(await run(all(), "get", "held/long", "--print-value-only")).toBe("1\n");
    expect(await run(all(), "lease", "timetolive", short)).toContain("already expired");
  }, 90_000);
});
