import { lstat, realpath } from "node:fs/promises";
import { isAbsolute, join, normalize, sep } from "node:path";
import { ContainerError } from "../errors.ts";

/** A relative path that stays below where it is put. Throws CreateContainerConfigError for `..`, absolute and empty paths. */
export function safeRelativePath(path: string, field: string): string {
  const steps = path.split("/");
  if (path === "" || isAbsolute(path) || path.includes("\0") || steps.includes("..")) {
    const message = `${field} ${JSON.stringify(path)} must be a relative path without '..'`;
    throw new ContainerError("CreateContainerConfigError", message);
  }
  return normalize(path).replace(/\/+$/, "");
}

/** The place of `relative` below `root`, links followed. Throws when a link leads out of `root`. */
export async function resolveBelow(root: string, relative: string, field: string): Promise<string> {
  const base = await realpath(root);
  const found = await realpath(join(base, safeRelativePath(relative, field)));
  if (found !== base && !found.startsWith(base + sep)) {
    const message = `${field} ${JSON.stringify(relative)} leads outside of the volume`;
    throw new ContainerError("CreateContainerConfigError", message);
  }
  return found;
}

export const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );
