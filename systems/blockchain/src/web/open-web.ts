/** The web server of a running node: reads the rate limits, serves, and stops both in order. */
import type { Logger } from "@coracle/pod";
import type { Registry } from "prom-client";
import { readLimitSettings, unlimited } from "./limits/settings.ts";
import type { LimitSettings } from "./limits/types.ts";
import { type NodeParts, nodeBackend } from "./node/backend.ts";
import { createWebServer, type WebServer, type WebSettings } from "./server.ts";

export interface OpenWebOptions {
  readonly parts: NodeParts;
  readonly settings: WebSettings & { readonly rlSettingsPath: string };
  readonly logger: Logger;
  readonly version: string;
  readonly metrics?: Registry | undefined;
}

/** Where the original looks when nobody names a file; it need not be there. */
const defaultLimitsPath = "./Settings.toml";

/** Resolves once it listens. Rejects with BlockchainError("config") for settings that can't be used. */
export async function openWeb({ parts, settings, logger, version, metrics }: OpenWebOptions): Promise<WebServer> {
  const limits = await limitsOf(settings.rlSettingsPath, logger);
  const backend = nodeBackend(parts);
  try {
    const web = await createWebServer({ backend, settings, limits, logger, version, metrics, now: parts.now });
    logger.info("the web is served", { host: web.host, port: web.port, limiters: limits.limiters.length });
    return {
      host: web.host,
      port: web.port,
      get degraded() {
        return web.degraded;
      },
      stop: async () => {
        await web.stop();
        backend.stop();
      },
    };
  } catch (error) {
    backend.stop();
    throw error;
  }
}

async function limitsOf(path: string, logger: Logger): Promise<LimitSettings> {
  try {
    return await readLimitSettings(path);
  } catch (error) {
    const isMissing = (error as { readonly cause?: { readonly code?: string } }).cause?.code === "ENOENT";
    if (!isMissing || path !== defaultLimitsPath) throw error;
    logger.warn("no rate limits: there is no such file (RL_SETTINGS_PATH)", { path });
    return unlimited;
  }
}
