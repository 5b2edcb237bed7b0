/** Optional programs: tests that need one skip, and say so, where it is missing. */
import { spawnSync } from "node:child_process";

export function hasProgram(name: string): boolean {
  const isThere = spawnSync(name, ["--version"], { stdio: "ignore" }).error === undefined;
  if (!isThere) console.warn(`SKIPPED: ${name} is not installed, so what is compared with it is not tested here.`);
  return isThere;
}
