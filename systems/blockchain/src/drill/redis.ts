/** Redis goes away: the webservers serve on, each counting for itself, and say so. */
import { DrillError, type ScenarioSite } from "@coracle/drill";
import { isKubeError, resource } from "@coracle/kube";
import type { Deployment } from "kubernetes-types/apps/v1.js";
import type { DrillNode } from "./nodes.ts";
import type { Act } from "./scenario.ts";

const deployments = resource<Deployment>("apps/v1", "deployments");
const REDIS = "redis";
const CONTAINER = "blockchain-node";
const PORT = "web";

const isWebserver = ({ pod }: DrillNode): boolean =>
  (pod.spec?.containers ?? []).some(({ ports = [] }) => ports.some(({ name }) => name === PORT));

const QUESTION = `const at = (path) => fetch("http://" + process.env.POD_IP + ":8080" + path);
const [health, info] = [await at("/api/health/ready"), await at("/api/v1/blockchain")];
const { data } = await health.json();
console.log(JSON.stringify({ ready: health.ok, mode: data?.rate_limits?.mode, header: info.headers.get("ratelimit-mode") }));`;

interface Answer {
  readonly ready: boolean;
  /** In health. */
  readonly mode: string;
  /** In the header of an ordinary answer. */
  readonly header: string | null;
}

async function answerOf(site: ScenarioSite, { name }: DrillNode): Promise<Answer | undefined> {
  const command = ["node", "--input-type=module", "-e", QUESTION];
  const { code, output } = await site.exec(name, CONTAINER, command);
  return code === 0 ? (JSON.parse(output) as Answer) : undefined;
}

async function resize({ kube, namespace }: ScenarioSite, replicas: number): Promise<void> {
  await kube.patch(deployments, REDIS, { spec: { replicas } }, { namespace });
}

async function sizeOf({ kube, namespace }: ScenarioSite): Promise<number> {
  try {
    const { spec, status } = await kube.get(deployments, REDIS, { namespace });
    if ((status?.readyReplicas ?? 0) > 0) return spec?.replicas ?? 1;
  } catch (error) {
    if (!isKubeError(error, "not-found")) throw error;
  }
  throw new DrillError("impossible", "no Redis runs here");
}

export const redisAway: Act = async ({ site, nodes }) => {
  const size = await sizeOf(site);
  const webservers = nodes.filter(isWebserver);
  const all = async (isSo: (answer: Answer) => boolean): Promise<boolean> => {
    const answers = await Promise.all(webservers.map((node) => answerOf(site, node)));
    return answers.every((answer) => answer?.ready === true && isSo(answer));
  };
  const begun = performance.now();
  try {
    await resize(site, 0);
    site.say("Redis is gone");
    await site.waitFor("ready webservers that count for themselves and say so", () =>
      all(({ mode, header }) => mode === "local" && header === "local"),
    );
    return { facts: { "all said so after": `${Math.round(performance.now() - begun)} ms` } };
  } finally {
    await resize(site, size);
    await site.waitFor("shared rate limits", () => all(({ mode }) => mode === "shared"));
  }
};
