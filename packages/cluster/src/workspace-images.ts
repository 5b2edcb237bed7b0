/** Images named `coracle/<name>`: the workspace package of that name, run with this Node. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Program } from "./kubelet/images/types.ts";

interface Manifest {
  readonly bin?: Readonly<Record<string, string>>;
  readonly coracle?: { readonly imageAliases?: readonly string[] };
}

/** Finds the program of a system; its own command is the image's entry point, as in its Dockerfile. */
export function workspacePrograms(workspace: string | undefined): (name: string) => Program | undefined {
  return (name) => {
    if (workspace === undefined || !/^[a-z0-9][a-z0-9-]*$/.test(name)) return undefined;
    const dir = ["systems", "packages"]
      .map((kind) => join(workspace, kind, name))
      .find((path) => existsSync(join(path, "package.json")));
    const { bin = {} } = dir ? (JSON.parse(readFileSync(join(dir, "package.json"), "utf8")) as Manifest) : {};
    const script = bin[name];
    if (dir === undefined || script === undefined) return undefined;
    return {
      command: [process.execPath, join(dir, script)],
      pathDirs: [join(workspace, "node_modules", ".bin")],
      hostDirs: [workspace],
    };
  };
}
