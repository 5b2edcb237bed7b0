/** What `coracle up NAME` knows of a system: its manifests, and the few words that its package.json adds for the summary. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { DetailsRule } from "./details.ts";
import { CliError } from "./errors.ts";
import { workspaceRoot } from "./home.ts";
import type { RoleRule } from "./roles.ts";

export interface System {
  readonly name: string;
  /** File or folder of manifests. */
  readonly manifests: string;
  readonly role?: RoleRule;
  readonly details?: DetailsRule;
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
  const { coracle = {} } = JSON.parse(text) as { coracle?: Settings };
  return {
    name: nameOrPath,
    manifests: await manifestsOf(nameOrPath, variant ?? coracle.variant),
    tryNext: coracle.tryNext ?? [],
    ...(coracle.role && { role: coracle.role }),
    ...(coracle.details && { details: coracle.details }),
    ...(coracle.switchover && { switchover: coracle.switchover }),
    ...(coracle.restore && { restore: coracle.restore }),
    ...(coracle.drill && { drill: join(systemsDir, nameOrPath, coracle.drill) }),
  };
}

/** What a package.json says under `coracle`. */
type Settings = Partial<System> & {
  /** The variant of the manifests where the user names none. */
  readonly variant?: string;
};

/** The folder of a variant. Rejects with CliError naming those that there are. */
async function manifestsOf(system: string, variant: string | undefined): Promise<string> {
  const root = join(systemsDir, system, "k8s");
  if (variant === undefined) return root;
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  const variants = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  if (variants.includes(variant)) return join(root, variant);
  throw new CliError(`${system} has no variant ${variant}. It has: ${variants.sort().join(", ") || "none"}.`, {
    exitCode: 2,
  });
}

async function manifestsOnly(path: string): Promise<System> {
  const manifests = resolve(path);
  if (await stat(manifests).catch(() => undefined)) return { name: path, manifests, tryNext: [] };
  const known = (await readdir(systemsDir)).join(", ");
  throw new CliError(`There is no system and no path named ${path}. Systems: ${known}.`);
}
