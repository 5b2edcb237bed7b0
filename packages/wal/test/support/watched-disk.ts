/**
 * The disk under a folder, watched: of what is done to its files, this remembers what would still be there if the power went now. Only what was
 * synced counts: bytes of a file by `sync`, `datasync` or a write through O_DSYNC; names in a folder by `sync` of the folder. The files themselves are real.
 */
import type { FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

// Not by import: the modules of these names are mocked with what this file makes of them.
const { constants, readFileSync } = process.getBuiltinModule("node:fs");
const { mkdir, readFile, writeFile } = process.getBuiltinModule("node:fs/promises");

interface Inode {
  durable: Buffer;
}

export interface Image {
  /** Puts what is left of the folder into another. */
  restore(dir: string): Promise<void>;
}

/** Injected into the next writes, in order: an error, or that only half of the bytes are taken. */
export type WriteFault = "half" | "ENOSPC" | "EIO";

export class WatchedDisk {
  dir = "";
  /** Called before and after everything that changes the disk. */
  onChange: () => void = () => {};
  faults: WriteFault[] = [];
  readonly #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  readonly #open = new Map<number, { readonly inode: Inode; readonly isDurable: boolean }>();

  /** Watches what happens in `dir` from now on; what is there counts as durable. */
  watch(dir: string): void {
    Object.assign(this, { dir, onChange: () => {}, faults: [] });
    this.#names.clear();
    this.#durableNames.clear();
  }

  /** Names are sure to be on the disk once the folder was synced, but may come there before: `all`. Bytes of a name need not have come with it. */
  image(names: "synced" | "all" = "synced"): Image {
    const files = [...(names === "all" ? this.#names : this.#durableNames)].map(([name, { durable }]) => ({
      name,
      bytes: Buffer.from(durable),
    }));
    return {
      restore: async (dir) => {
        await mkdir(dir, { recursive: true });
        for (const { name, bytes } of files) await writeFile(join(dir, name), bytes);
      },
    };
  }

  /** `open` of node:fs/promises. */
  async opened(handle: FileHandle, path: string, flags: string | number | undefined): Promise<FileHandle> {
    if (path === this.dir) return this.#folder(handle);
    if (dirname(path) !== this.dir) return handle;
    const isNew = flags === "w" || (typeof flags === "number" && (flags & constants.O_CREAT) !== 0);
    const known = this.#names.get(basename(path));
    const inode = known ?? { durable: isNew ? Buffer.alloc(0) : await readFile(path) };
    this.#names.set(basename(path), inode);
    if (!isNew && !known) this.#durableNames.set(basename(path), inode);
    const isDurable = typeof flags === "number" && (flags & constants.O_DSYNC) === constants.O_DSYNC;
    this.#open.set(handle.fd, { inode, isDurable });
    return this.#file(handle, path, inode);
  }

  #folder(handle: FileHandle): FileHandle {
    return wrap(handle, {
      sync: async () => {
        await handle.sync();
        this.#changed(() => {
          this.#durableNames = new Map(this.#names);
        });
      },
    });
  }

  #file(handle: FileHandle, path: string, inode: Inode): FileHandle {
    const synced = () =>
      this.#changed(() => {
        inode.durable = readFileSync(path);
      });
    return wrap(handle, {
      sync: async () => {
        await handle.sync();
        synced();
      },
      datasync: async () => {
        await handle.datasync();
        synced();
      },
    });
  }

  /** A write to `fd` has been done. */
  written(fd: number, bytes: Buffer, position: number): void {
    const file = this.#open.get(fd);
    if (!file?.isDurable) return;
    this.#changed(() => {
      const { inode } = file;
      const grown = Buffer.alloc(Math.max(inode.durable.length, position + bytes.length));
      inode.durable.copy(grown);
      bytes.copy(grown, position);
      inode.durable = grown;
    });
  }

  /** `rm` of node:fs/promises. */
  removed(path: string): void {
    if (dirname(path) === this.dir) this.#changed(() => this.#names.delete(basename(path)));
  }

  /** `rename` of node:fs/promises. */
  renamed(from: string, to: string): void {
    const inode = this.#names.get(basename(from));
    if (dirname(from) !== this.dir || !inode) return;
    this.#changed(() => {
      this.#names.delete(basename(from));
      this.#names.set(basename(to), inode);
    });
  }

  #changed(change: () => void): void {
    this.onChange();
    change();
    this.onChange();
  }
}

/** The one that the mocked modules tell. */
export const disk = new WatchedDisk();

function wrap(handle: FileHandle, own: Partial<FileHandle>): FileHandle {
  return new Proxy(handle, {
    get(target, name) {
      if (Object.hasOwn(own, name)) return Reflect.get(own, name);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

type FsPromises = typeof import("node:fs/promises");
type Fs = typeof import("node:fs");

export const watchedPromises = (real: FsPromises): FsPromises => ({
  ...real,
  open: async (path, flags, mode) => disk.opened(await real.open(path, flags, mode), String(path), flags),
  rm: async (path, options) => {
    await real.rm(path, options);
    disk.removed(String(path));
  },
  rename: async (from, to) => {
    await real.rename(from, to);
    disk.renamed(String(from), String(to));
  },
});

export function watchedFs(real: Fs): Fs {
  const write = (fd: number, bytes: Buffer, from: number, length: number, position: number, done: Done) => {
    const fault = disk.faults.shift();
    if (fault === "ENOSPC" || fault === "EIO") {
      setImmediate(() => done(Object.assign(new RangeError(fault), { code: fault }), 0));
      return;
    }
    const count = fault === "half" ? Math.ceil(length / 2) : length;
    real.write(fd, bytes, from, count, position, (error, written) => {
      if (!error) disk.written(fd, bytes.subarray(from, from + written), position);
      done(error, written);
    });
  };
  return { ...real, write: write as Fs["write"] };
}

type Done = (error: NodeJS.ErrnoException | null, written: number) => void;
