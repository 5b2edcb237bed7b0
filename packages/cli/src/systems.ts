/** What `coracle up NAME` knows of a system: its manifests, and the few words that its package.json adds for the summary. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { CliError } from "./errors.ts";
import { workspaceRoot } from "./home.ts";

export interface System {
  readonly name: string;
  /** File or folder of manifests. */
  readonly manifests: string;
  /** The pod label that tells the role, and the word for pods without it. */
  readonly role?: { readonly label: string; readonly otherwise: string };
  /** Lines shown after `up`; `{leader}`, `{host}` and `{port}` are filled in. */
  readonly tryNext: readonly string[];
  /** File of the module that says how to drill it. */
  readonly drill?: string;
  /** Command that, run in the leader's pod, hands over to another; ` --to POD` is added where the user names one. */
  readonly switchover?: readonly string[];
  /** The CronJob whose pods have the backups, and what its program is told instead to restore one. */
  readonly restore?: { readonly cronJob: string; readonly args: readonly string[] };
}

const systemsDir = join(workspaceRoot, "systems");

/** The system of that name, or the manifests at that path. Rejects with CliError naming the known systems. */
export async function findSystem(nameOrPath: string, variant?: string): Promise<System> {
  const packageFile = join(systemsDir, nameOrPath, "package.json");
  const text = /^[a-z0-9-]+$/.test(nameOrPath) ? await readFile(packageFile, "utf8").catch(() => undefined) : undefined;
  if (text === undefined) return manifestsOnly(nameOrPath);
  const { coracle = {} } = JSON.parse(text) as { coracle?: Partial<System> };
  return {
    name: nameOrPath,
    manifests: join(systemsDir, nameOrPath, "k8s", variant ?? ""),
    tryNext: coracle.tryNext ?? [],
    ...(coracle.role && { role: coracle.role }),
    ...(coracle.switchover && { switchover: coracle.switchover }),
    ...(coracle.restore && { restore: coracle.restore }),
    ...(coracle.drill && { drill: join(systemsDir, nameOrPath, coracle.drill) }),
  };
}

async function manifestsOnly(path: string): Promise<System> {
  const manifests = resolve(path);
  if (await stat(manifests).catch(() => undefined)) return { name: path, manifests, tryNext: [] };
  const known = (await readdir(systemsDir)).join(", ");
  throw new CliError(`There is no system and no path named ${path}. Systems: ${known}.`);
}
