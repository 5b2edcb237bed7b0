/** The cluster's folder: a given one is kept between runs, a temporary one goes with the cluster. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { ClusterError } from "./errors.ts";
import { claimNetwork, type NetworkClaim } from "./network/claim.ts";

export interface StateDir {
  readonly path: string;
  /** Whether objects outlive the cluster. */
  readonly isKept: boolean;
  /** Removes a temporary folder; keeps a given one. */
  release(): Promise<void>;
}

export async function openStateDir(given: string | undefined): Promise<StateDir> {
  if (given === undefined) {
    const path = await mkdtemp(join(tmpdir(), "coracle-"));
    return {
      path,
      isKept: false,
      release: () => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }),
    };
  }
  const path = resolve(given);
  await mkdir(path, { recursive: true, mode: 0o700 });
  return { path, isKept: true, release: async () => {} };
}

/**
 * The network of this cluster: the one that its stored objects have addresses of, or a free one for a new cluster.
 * @throws ClusterError `network-taken`
 */
export async function claimClusterNetwork(dir: StateDir, wanted: number | undefined): Promise<NetworkClaim> {
  const file = join(dir.path, "network.json");
  const stored = await storedNetwork(file);
  const preferred = stored ?? wanted;
  const claim = await claimNetwork(preferred === undefined ? {} : { preferred });
  if (stored !== undefined && claim.net !== stored) {
    await claim.release();
    throw new ClusterError(
      "network-taken",
      `The addresses 127.${stored}.0.0/16 of the cluster in ${dir.path} are used by another cluster. Nothing was changed. Stop that one first.`,
    );
  }
  if (stored === undefined) await writeFile(file, JSON.stringify({ net: claim.net }), { mode: 0o600 });
  return claim;
}

async function storedNetwork(file: string): Promise<number | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const net = netOf(text);
  if (net === undefined)
    throw new ClusterError("unreadable-state", `${file} is not readable. Move the folder away to begin anew.`);
  return net;
}

function netOf(text: string): number | undefined {
  try {
    const { net } = JSON.parse(text) as { net?: unknown };
    return typeof net === "number" && Number.isInteger(net) && net >= 1 && net <= 254 ? net : undefined;
  } catch {
    return undefined;
  }
}
