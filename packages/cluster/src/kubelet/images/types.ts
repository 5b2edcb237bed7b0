/** A program of this machine that stands in for an image. */
export interface Program {
  /** ENTRYPOINT: what runs when the container gives no command. */
  readonly command: readonly string[];
  /** CMD: the arguments when the container gives neither command nor args. */
  readonly args?: readonly string[];
  /** Put in front of PATH, so that commands such as `kvstore` are found. */
  readonly pathDirs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** WORKDIR; default `/`. */
  readonly workingDir?: string;
  /** USER of the image, where it is known: what `runAsNonRoot` is held against. */
  readonly user?: number;
  /** Folders that the image brings and the container may write: made empty for each run, unless the container mounts something there. */
  readonly ownDirs?: readonly string[];
  /** Host folders that the program needs at their own path (its code); mounted read-only where a private root would hide them. */
  readonly hostDirs?: readonly string[];
}

/** Image names to programs. */
export interface ImageTable {
  /** The workspace program called `name` (`kvstore`), for images such as `coracle/kvstore:1.0`. */
  system(name: string): Program | undefined;
  /** What the cluster's config file adds, by whole reference (`redis:7`) or by repository (`ghcr.io/acme/tool`). */
  readonly extra?: Readonly<Record<string, Program>>;
}
