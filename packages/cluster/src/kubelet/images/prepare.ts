import { join } from "node:path";
import { linkApplets } from "./applets.ts";
import { linkOwnPrograms } from "./own-programs.ts";
import type { ImageOptions } from "./resolve.ts";
import type { ImageTable } from "./types.ts";

/** What resolving an image takes, with the folders of programs made below the cluster's folder. */
export async function imageOptions(dir: string, table: ImageTable): Promise<ImageOptions> {
  const hostPath = process.env.PATH ?? "";
  const applets = await linkApplets(join(dir, "applets"));
  return { table, applets, programs: linkOwnPrograms(join(dir, "programs"), hostPath), hostPath };
}
