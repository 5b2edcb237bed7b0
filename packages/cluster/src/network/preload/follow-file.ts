/** A small JSON file that the cluster replaces while the pod runs. */
import { readFileSync, watch } from "node:fs";
import { basename, dirname } from "node:path";

export interface FollowedFile<T> {
  current(): T;
  onChange(listener: () => void): void;
}

/** Reads the file now and again whenever it changes; `absent` is what no file says. */
export function followFile<T>(file: string, absent: T): FollowedFile<T> {
  const listeners = new Set<() => void>();
  let value = read(file, absent);
  const reload = (_event: string, name: string | null): void => {
    if (name !== null && name !== basename(file)) return;
    value = read(file, absent);
    for (const listener of listeners) listener();
  };
  // The folder, because the file is replaced by renaming another over it. Must not keep the process alive.
  watch(dirname(file), { persistent: false }, reload).on("error", () => {});
  return { current: () => value, onChange: (listener) => void listeners.add(listener) };
}

function read<T>(file: string, absent: T): T {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as T;
  } catch {
    // It is replaced atomically, so it is never half there.
    return absent;
  }
}
