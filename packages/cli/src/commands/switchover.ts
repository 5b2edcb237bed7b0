import { connect, officialConfig } from "../connect.ts";
import { planDeployment } from "../deployment.ts";
import { CliError } from "../errors.ts";
import { execInPod } from "../pod-streams.ts";
import { isLeader, rolesOf } from "../roles.ts";
import { findSystem } from "../systems.ts";
import { podsOf } from "../wait.ts";
import type { CommandContext, OptionValues } from "./types.ts";

/** Runs the system's own command in the leader's pod: that works on every cluster, and there the password is at hand. */
export async function switchover(
  { home, output }: CommandContext,
  [name = ""]: readonly string[],
  options: OptionValues,
): Promise<void> {
  const context = options.context as string | undefined;
  const system = await findSystem(name);
  const { role, switchover: command } = system;
  if (!role || !command) throw new CliError(`${name} has no switchover (coracle.switchover in its package.json).`);
  const kube = await connect(home, context);
  try {
    const pods = await podsOf(await planDeployment(kube, system));
    const config = await officialConfig(home, context);
    const roles = await rolesOf(role, pods, async () => config);
    const leader = pods.find(({ metadata }) => isLeader(role, roles.get(metadata?.name ?? "")));
    if (!leader) throw new CliError(`${name} has no leader now. See: coracle status ${name}`);
    const { name: pod = "", namespace = "" } = leader.metadata ?? {};
    const to = typeof options.to === "string" ? ["--to", options.to] : [];
    const container = leader.spec?.containers[0]?.name ?? "";
    const result = await execInPod(config, { namespace, pod, container, command: [...command, "--json", ...to] });
    if (result.code !== 0) throw new CliError(result.output.trim());
    const outcome = JSON.parse(result.output) as Outcome;
    output.result(outcome, () => sentence(outcome));
  } finally {
    kube.close();
  }
}

/** What every system's switchover command prints. */
interface Outcome {
  readonly from: string;
  readonly to: string;
  /** How long no write was acknowledged, at most. */
  readonly pauseMs: number;
}

const sentence = ({ from, to, pauseMs }: Outcome): string =>
  from === to ? `${to} leads already.` : `${to} leads in place of ${from}; writes paused for ${pauseMs} ms.`;
