/** What all scenarios have in common: payments go on while something is done to the nodes, then the nodes are judged. */
import type { Scenario, ScenarioSite, ScenarioVerdict } from "@coracle/drill";
import { type Agreed, agreement, judge } from "./check.ts";
import { type DrillNode, nodesOf } from "./nodes.ts";
import { Payments } from "./payments.ts";

const PAY_EVERY_MS = 1000;

export interface Scene {
  readonly site: ScenarioSite;
  /** What all had before. */
  readonly before: Agreed;
  /** As they were before. Pods of a StatefulSet keep their names, so they can be asked by these later too. */
  readonly nodes: readonly DrillNode[];
  /** The one that the drill's seed chose. */
  readonly node: DrillNode;
}

/** What was seen while it was done, besides what is judged afterwards. */
export interface Seen extends Partial<ScenarioVerdict> {
  /** What can be seen only once the nodes agree again. */
  readonly afterwards?: () => Promise<Seen>;
}

/** What is done to the nodes; it is over, and healed, when this resolves. */
export type Act = (scene: Scene) => Promise<Seen | undefined>;

export const scenario = (summary: string, act: Act): Scenario => ({
  summary,
  async run(site) {
    const before = await agreement(site);
    site.say(`all agree on block ${before.height}`);
    const nodes = await nodesOf(site);
    const node = nodes[Math.floor(site.random() * nodes.length)] as DrillNode;
    const payments = new Payments();
    const stop = keepPaying(site, payments, nodes);
    const seen = await act({ site, before, nodes, node }).finally(stop);
    await payments.pay(await nodesOf(site));
    return verdictOf(seen, await judge(site, before, payments), await seen?.afterwards?.());
  },
});

const verdictOf = (...all: readonly (Seen | undefined)[]): ScenarioVerdict => ({
  facts: Object.assign({}, ...all.map((seen) => seen?.facts ?? {})),
  broken: all.flatMap((seen) => seen?.broken ?? []),
});

/** A payment now and then, from another node each time, so that both sides of a partition pay. */
function keepPaying(site: ScenarioSite, payments: Payments, nodes: readonly DrillNode[]): () => Promise<void> {
  let isOver = false;
  const loop = async (): Promise<void> => {
    for (let first = 0; !isOver; first++) {
      const turn = first % nodes.length;
      await payments.pay([...nodes.slice(turn), ...nodes.slice(0, turn)]);
      await site.pause(PAY_EVERY_MS);
    }
  };
  // A drill that is broken off ends the pause with a rejection; the act rejects too, and says so.
  const running = loop().catch(() => undefined);
  return () => {
    isOver = true;
    return running;
  };
}
