/** Images named `coracle/<name>`: the workspace package of that name, run with this Node. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Program } from "./kubelet/images/types.ts";

interface Manifest {
  readonly bin?: Readonly<Record<string, string>>;
  readonly coracle?: { readonly imageAliases?: readonly string[] };
}

/** Finds the program of a system, by its own name or an alias; its own command is the image's entry point, as in its Dockerfile. */
export function workspacePrograms(workspace: string | undefined): (name: string) => Program | undefined {
  return (name) => {
    if (workspace === undefined || !/^[a-z0-9][a-z0-9-]*$/.test(name)) return undefined;
    const dir = ownDir(workspace, name) ?? aliasedDir(workspace, name);
    const script = dir && manifestOf(dir)?.bin?.[basename(dir)];
    if (dir === undefined || script === undefined) return undefined;
    return {
      command: [process.execPath, join(dir, script)],
      pathDirs: [join(workspace, "node_modules", ".bin")],
      hostDirs: [workspace],
    };
  };
}

const kinds = ["systems", "packages"] as const;

const ownDir = (workspace: string, name: string): string | undefined =>
  kinds.map((kind) => join(workspace, kind, name)).find((path) => manifestOf(path) !== undefined);

/** Guides of a system may know its image under another name than the package's. */
function aliasedDir(workspace: string, name: string): string | undefined {
  const systems = join(workspace, "systems");
  if (!existsSync(systems)) return undefined;
  return readdirSync(systems)
    .map((each) => join(systems, each))
    .find((dir) => manifestOf(dir)?.coracle?.imageAliases?.includes(name));
}

function manifestOf(dir: string): Manifest | undefined {
  const file = join(dir, "package.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Manifest) : undefined;
}
