/** The user's settings for the embedded cluster, from `$CORACLE_HOME/config.yaml`. */
import { readFile } from "node:fs/promises";
import type { ClusterOptions } from "@coracle/cluster";
import { CliError } from "./errors.ts";

const settings = [
  "nodes",
  "images",
  "isolation",
  "restartBackoffMs",
  "nodeGracePeriodMs",
  "evictionTolerationMs",
  "net",
] as const;

/**
 * None where there is no file. Rejects with CliError for one that can't be read or makes no sense, and for unknown keys: a cluster that runs with
 * other settings than were written down would be found out late.
 */
export async function readClusterConfig(path: string): Promise<ClusterOptions> {
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return undefined;
    throw new CliError(`${path} can't be read (${cause.message}). Nothing was started.`, { cause });
  });
  if (text === undefined) return {};
  const config = await parseSettings(path, text);
  const unknown = Object.keys(config).filter((key) => !(settings as readonly string[]).includes(key));
  if (unknown.length > 0)
    throw new CliError(`${path} has unknown settings: ${unknown.join(", ")}. Known: ${settings.join(", ")}.`);
  return config;
}

/** What each setting may be is checked by `startCluster`. */
async function parseSettings(path: string, text: string): Promise<ClusterOptions> {
  const { parse } = await import("yaml");
  let config: unknown;
  try {
    config = parse(text) ?? {};
  } catch (cause) {
    throw new CliError(`${path} is not YAML: ${(cause as Error).message}`, { cause });
  }
  if (typeof config !== "object" || Array.isArray(config))
    throw new CliError(`${path} must hold settings, such as "nodes: 3".`);
  return config as ClusterOptions;
}
