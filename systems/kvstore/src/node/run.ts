/** `kvstore server`: settings, then the way that fits the surroundings. */
import { createLogger, loadConfig, podIdentity } from "@coracle/pod";
import { SETTINGS } from "./settings.ts";

/** Resolves once it serves; the process ends by signal. */
export async function runServer(argv: readonly string[]): Promise<void> {
  const settings = loadConfig(SETTINGS, { argv });
  const identity = podIdentity();
  const logger = createLogger({ fields: identity.inKubernetes ? { pod: identity.name } : {} });
  if (identity.inKubernetes) await (await import("./kubernetes.ts")).runInKubernetes(settings, logger);
  else await (await import("./standalone.ts")).runStandalone(settings, logger);
}
