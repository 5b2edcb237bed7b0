/** The folder that everything is kept in. */
import { mkdirSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { CliError } from "./errors.ts";
import type { Home } from "./home.ts";

/** Makes the folder and opens the cluster's log in it. Throws CliError when this user can't. */
export function openHome(home: Pick<Home, "dir" | "daemonLog">): number {
  try {
    makeFolder(home.dir);
    return openSync(home.daemonLog, "a", 0o600);
  } catch (error) {
    const why = (error as Error).message;
    throw new CliError(
      `Coracle can't keep its files in ${home.dir} (${why}). Nothing was started. Set CORACLE_HOME to a folder that you may write to.`,
      { cause: error },
    );
  }
}

/** Ancestor by ancestor: Node's own recursive mkdir tries for ever where a file system takes no folders, as /proc. */
function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  const parent = dirname(path);
  if (parent !== path) makeFolder(parent);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another command that starts at the same time may have made it.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
