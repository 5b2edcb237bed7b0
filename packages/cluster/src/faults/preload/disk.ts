/**
 * A disk that is full, slow or broken: the calls of `node:fs` that take space or make data durable, in their three forms. Which
 * file a descriptor is of, the system tells, so nothing has to be kept while there is no fault.
 */
import fs from "node:fs";
import { constants } from "node:os";
import { resolve } from "node:path";
import { SystemError } from "../../network/errors.ts";
import { type DiskFault, diskVerdict } from "../pod-faults.ts";

type Method = (this: unknown, ...args: unknown[]) => unknown;

interface Operation {
  readonly name: string;
  readonly on: DiskFault["on"];
  /** Which argument is the descriptor or path. */
  readonly at?: number;
  /** What it is called on a FileHandle, where there is such a thing. */
  readonly ofHandle?: string;
}

const operations: readonly Operation[] = [
  { name: "write", on: "write", ofHandle: "write" },
  { name: "writev", on: "write", ofHandle: "writev" },
  { name: "writeFile", on: "write", ofHandle: "writeFile" },
  { name: "appendFile", on: "write", ofHandle: "appendFile" },
  { name: "copyFile", on: "write", at: 1 },
  { name: "mkdir", on: "write" },
  { name: "fsync", on: "sync", ofHandle: "sync" },
  { name: "fdatasync", on: "sync", ofHandle: "datasync" },
];

export function wrapDisk(faults: () => readonly DiskFault[] | undefined): void {
  const meet = verdicts(faults);
  for (const operation of operations) {
    const { name, at = 0 } = operation;
    wrap(fs, name, (original) => withCallback(original, (args) => meet(operation, args[at])));
    wrap(fs, `${name}Sync`, (original) => synchronous(original, (args) => meet(operation, args[at])));
    wrap(fs.promises, name, (original) => withPromise(original, (_, args) => meet(operation, args[at])));
  }
  wrapHandles(meet);
}

/** FileHandle has no name to reach it by, so the first one that is opened gives its prototype away. */
function wrapHandles(meet: Meet): void {
  let isWrapped = false;
  wrap(
    fs.promises,
    "open",
    (open) =>
      async function (this: unknown, ...args: unknown[]) {
        const handle = await open.apply(this, args);
        if (!isWrapped) wrapHandle(Object.getPrototypeOf(handle), meet);
        isWrapped = true;
        return handle;
      },
  );
}

function wrapHandle(prototype: object, meet: Meet): void {
  for (const operation of operations) {
    const { ofHandle } = operation;
    if (ofHandle === undefined) continue;
    wrap(prototype, ofHandle, (original) =>
      withPromise(original, (handle) => meet(operation, (handle as { readonly fd: number }).fd)),
    );
  }
}

function wrap(owner: object, name: string, change: (original: Method) => Method): void {
  const original: unknown = Reflect.get(owner, name);
  if (typeof original !== "function") return;
  const changed = change(original as Method);
  // `promisify` finds the form of fs.write with two results by symbols on the function.
  Object.defineProperties(changed, Object.getOwnPropertyDescriptors(original));
  Reflect.set(owner, name, changed);
}

interface Verdict {
  readonly delayMs: number;
  readonly error: SystemError | undefined;
}

type Meet = (operation: Operation, place: unknown) => Verdict | undefined;

function verdicts(faults: () => readonly DiskFault[] | undefined): Meet {
  return ({ name, on }, place) => {
    const present = faults();
    if (present === undefined) return undefined;
    const { delayMs, code } = diskVerdict(present, on, pathOf(place));
    if (delayMs === 0 && code === undefined) return undefined;
    return { delayMs, error: code === undefined ? undefined : systemError(name, code) };
  };
}

/** Where /proc is missing a descriptor has no path, and a fault of one volume does not reach it. */
function pathOf(place: unknown): string | undefined {
  if (typeof place === "string" || place instanceof URL || place instanceof Uint8Array)
    return resolve(place instanceof URL ? place.pathname : Buffer.from(place as string).toString());
  const fd = typeof place === "object" && place !== null && "fd" in place ? place.fd : place;
  try {
    return fs.readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}

function systemError(syscall: string, code: string): SystemError {
  const errno = constants.errno[code as keyof typeof constants.errno] ?? 0;
  return new SystemError(syscall, code, -errno);
}

function synchronous(original: Method, meet: (args: readonly unknown[]) => Verdict | undefined): Method {
  return function (...args) {
    const verdict = meet(args);
    if (verdict === undefined) return original.apply(this, args);
    if (verdict.delayMs > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, verdict.delayMs);
    if (verdict.error !== undefined) throw verdict.error;
    return original.apply(this, args);
  };
}

function withCallback(original: Method, meet: (args: readonly unknown[]) => Verdict | undefined): Method {
  return function (...args) {
    const verdict = meet(args);
    if (verdict === undefined) return original.apply(this, args);
    const callback = args.at(-1);
    const { error, delayMs } = verdict;
    const proceed = (): unknown =>
      error !== undefined && typeof callback === "function" ? callback(error) : original.apply(this, args);
    setTimeout(proceed, delayMs);
    return undefined;
  };
}

function withPromise(original: Method, meet: (self: unknown, args: readonly unknown[]) => Verdict | undefined): Method {
  return function (...args) {
    const verdict = meet(this, args);
    if (verdict === undefined) return original.apply(this, args);
    return new Promise((resolve) => setTimeout(resolve, verdict.delayMs)).then(() => {
      if (verdict.error !== undefined) throw verdict.error;
      return original.apply(this, args);
    });
  };
}
