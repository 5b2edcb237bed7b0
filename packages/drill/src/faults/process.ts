/** Faults on the leader's process: signals sent from inside its pod. */
import { resources } from "@coracle/kube";
import { DrillError } from "../errors.ts";
import type { Fault, Injection, Strike } from "./types.ts";

/**
 * The kernel keeps a container's first process from signals that come from inside the container, so on most clusters neither
 * SIGKILL nor SIGSTOP reaches it. It does where pods share a process namespace, and on the embedded cluster.
 */
const FIRST_PROCESS = 1;
/** The end of the container's first process takes the messenger along. */
const KILLED = 137;

async function signal({ ground, plugin, leader }: Strike, name: "SIGKILL" | "SIGSTOP" | "SIGCONT", pid: number) {
  const command = ["node", "-e", `process.kill(${pid}, "${name}")`];
  const { code, output } = await ground.exec(leader.name, plugin.container, command);
  if (code !== 0 && code !== KILLED)
    throw new DrillError("impossible", `${name} could not be sent inside ${leader.name}: ${output.trim()}`);
}

const processId = ({ plugin, ground, leader }: Strike): Promise<number | undefined> =>
  plugin.processId(ground.access, leader);

export const kill: Fault = {
  endsTerm: true,
  summary: "SIGKILL to the leader's process",
  async inject(strike) {
    const pid = await processId(strike);
    if (pid === undefined || pid === FIRST_PROCESS) return deleteAtOnce(strike);
    await signal(strike, "SIGKILL", pid);
    return { how: `SIGKILL to process ${pid} in ${strike.leader.name}` };
  },
};

async function deleteAtOnce({ ground, leader }: Strike): Promise<Injection> {
  await ground.kube.delete(resources.pods, leader.name, { namespace: ground.namespace, gracePeriodSeconds: 0 });
  return { how: `${leader.name} deleted without grace: its first process can't be killed from inside` };
}

export const pause: Fault = {
  endsTerm: true,
  summary: "SIGSTOP to the leader's process until another leads, then SIGCONT",
  async inject(strike) {
    const pid = await processId(strike);
    if (pid === undefined || pid === FIRST_PROCESS)
      throw new DrillError("impossible", "a container's first process can't be stopped from inside on this cluster");
    await signal(strike, "SIGSTOP", pid);
    return {
      how: `SIGSTOP to process ${pid} in ${strike.leader.name}, later SIGCONT`,
      heal: () => signal(strike, "SIGCONT", pid),
    };
  },
};
