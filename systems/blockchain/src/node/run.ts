/** A node as a process: settings in, then the pod's life from start to SIGTERM. */
import { createLogger, loadConfig, podIdentity, runPod, serveHealth } from "@coracle/pod";
import { liveness, readiness } from "./health.ts";
import { observeNode } from "./metrics.ts";
import { openNode } from "./open-node.ts";
import { shareLessMemory } from "./runtime.ts";
import { SETTINGS } from "./settings.ts";

/** Resolves once it serves; the process ends by signal. */
export async function runNode(argv: readonly string[]): Promise<void> {
  shareLessMemory();
  const settings = loadConfig(SETTINGS, { argv });
  const identity = podIdentity();
  const logger = createLogger({ fields: identity.inKubernetes ? { pod: identity.name } : {} });
  const health = await serveHealth({ port: settings.healthPort });
  health.hold("starting");
  const pod = { stop: (): void => void process.kill(process.pid, "SIGTERM") };
  const node = await openNode({
    settings,
    logger,
    identity,
    env: process.env,
    metrics: health.metrics,
    onStop: () => pod.stop(),
  });
  const unobserve = observeNode(health.metrics, node);
  health.ready("chain", readiness(node.chain, node.network));
  health.live("chain", liveness(node.chain));
  const runtime = await runPod({
    logger,
    health,
    phases: [
      { name: "health", stop: () => health.stop() },
      {
        name: "node",
        stop: async () => {
          unobserve();
          await node.stop();
        },
      },
    ],
  });
  pod.stop = () => void runtime.stop("as JSON-RPC says");
}
