/** Small files by which running pods are told something: replaced when what they say changes, watched by the pods. */
import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Written synchronously: the files are small, and a pod must not start before its own stands. */
export class LiveFiles {
  readonly #written = new Map<string, string>();

  /**
   * Makes `dir` and empties it: what an earlier run of the cluster left there says nothing any more. Open to every user, as pods may run as
   * any; the cluster's own folder around it is not.
   */
  constructor(dir: string) {
    mkdirSync(dir, { recursive: true });
    chmodSync(dir, 0o755);
    for (const name of readdirSync(dir)) rmSync(join(dir, name), { force: true });
  }

  /** Makes `texts`, by path, all that there is. */
  replaceAll(texts: ReadonlyMap<string, string>): void {
    for (const [file, text] of texts) if (this.#written.get(file) !== text) this.#write(file, text);
    for (const file of [...this.#written.keys()]) if (!texts.has(file)) this.#remove(file);
  }

  #write(file: string, text: string): void {
    this.#written.set(file, text);
    // Renamed into place, so that no pod ever reads half of it.
    writeFileSync(`${file}.new`, text, { mode: 0o644 });
    renameSync(`${file}.new`, file);
  }

  #remove(file: string): void {
    this.#written.delete(file);
    rmSync(file, { force: true });
  }
}
