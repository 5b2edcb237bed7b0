import { accessSync, constants } from "node:fs";
import { join } from "node:path";

/** The first executable called `name` on a PATH; undefined when there is none. */
export function findProgram(name: string, path: string | undefined): string | undefined {
  for (const folder of (path ?? "").split(":").filter((each) => each.startsWith("/"))) {
    const place = join(folder, name);
    if (isExecutable(place)) return place;
  }
  return undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
