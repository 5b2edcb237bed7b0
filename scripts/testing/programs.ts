/** Optional programs that end-to-end tests drive: kubectl, redis-cli and the like. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/**
 * The path of a program, or undefined with a loud warning when this machine lacks it, so that the test can skip itself. Where
 * `CORACLE_REQUIRE_PROGRAMS` is set (in CI) a missing program fails instead.
 */
export function program(name: string): string | undefined {
  for (const dir of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(dir, name);
    if (isExecutable(path)) return path;
  }
  if (process.env.CORACLE_REQUIRE_PROGRAMS)
    throw new TypeError(`${name} is not on the PATH, and CORACLE_REQUIRE_PROGRAMS says that no test may skip`);
  console.warn(`SKIPPED: ${name} is not on the PATH; the tests that drive it do not run.`);
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
