import { setTimeout as delay } from "node:timers/promises";
import { isKubeError, type KubeClient } from "@coracle/kube";
import { connect } from "../connect.ts";
import { type Deployment, type Item, itemName, planDeployment } from "../deployment.ts";
import { CliError } from "../errors.ts";
import { numberOption } from "../options.ts";
import { runSteps } from "../progress.ts";
import { findSystem } from "../systems.ts";
import { podsOf } from "../wait.ts";
import type { CommandContext, OptionValues } from "./types.ts";

/** Kinds that hold data: kept unless the user asks for their deletion too. A namespace holds claims, so it stays with them. */
const holdsData = new Set(["Namespace", "PersistentVolume", "PersistentVolumeClaim"]);

/** Deletes a system's objects, its workloads first, and waits until its pods have ended. */
export async function down(
  { home, output }: CommandContext,
  [name = ""]: readonly string[],
  options: OptionValues,
): Promise<void> {
  const timeoutMs = numberOption("--timeout", options.timeout, { min: 1, max: 86_400, otherwise: 120 }) * 1000;
  const deletesData = options.deleteData === true;
  const kube = await connect(home, options.context as string | undefined);
  try {
    const deployment = await planDeployment(kube, await findSystem(name, options.variant as string | undefined));
    const doomed = deployment.items.filter(({ object }) => deletesData || !holdsData.has(object.kind)).reverse();
    await runSteps([
      { title: `Delete ${deployment.system.name}`, run: (report) => deleteAll(kube, doomed, report) },
      {
        title: "Wait until its pods have ended",
        run: (report) => waitUntilGone(deployment, doomed, timeoutMs, report),
      },
    ]);
    output.result({ system: deployment.system.name, deleted: doomed.map(itemName), dataDeleted: deletesData }, () =>
      deletesData
        ? `${name} and its data are gone.`
        : `${name} is down; its claims and their data are kept (--delete-data removes them).`,
    );
  } finally {
    kube.close();
  }
}

async function deleteAll(kube: KubeClient, items: readonly Item[], report: (detail: string) => void): Promise<void> {
  for (const item of items) {
    report(itemName(item));
    await kube
      .delete(item.resource, item.object.metadata.name, { namespace: item.namespace, propagation: "Background" })
      .catch((error) => {
        if (!isKubeError(error, "not-found")) throw error;
      });
  }
}

async function waitUntilGone(
  deployment: Deployment,
  doomed: readonly Item[],
  timeoutMs: number,
  report: (detail: string) => void,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  let last = "";
  for (;;) {
    const left = [
      ...(await podsOf(deployment)).map((pod) => `pod/${pod.metadata?.name}`),
      ...(await remaining(deployment.kube, doomed)),
    ];
    if (left.length === 0) return;
    if (left.join() !== last) report(left.join(", "));
    last = left.join();
    if (performance.now() > deadline) throw new CliError(`Not all ended in time; still there: ${last}.`);
    await delay(100);
  }
}

async function remaining(kube: KubeClient, doomed: readonly Item[]): Promise<string[]> {
  const namespaces = doomed.filter(({ object }) => object.kind === "Namespace");
  const left = await Promise.all(
    namespaces.map((item) =>
      kube.get(item.resource, item.object.metadata.name).then(
        () => [itemName(item)],
        () => [],
      ),
    ),
  );
  return left.flat();
}
