/** What of a pod lies on disk, so that the next run of the cluster finds its processes. */
import { readdirSync, readFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ContainerSpec } from "../isolation/types.ts";
import type { ProcessIdentity } from "../process/proc.ts";

export interface PodRecord {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly podIP: string;
  readonly startedAt: number;
}

/** The newest run of one container. */
export interface RunRecord {
  readonly container: string;
  readonly containerID: string;
  /** 1 for the first. */
  readonly attempt: number;
  readonly identity: ProcessIdentity;
  readonly startedAt: number;
  readonly spec: ContainerSpec;
}

/** Whole or not at all. Environment variables may be secrets: nobody else reads the file. */
export async function writeRecord(path: string, record: PodRecord | RunRecord): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

export interface SavedPod {
  readonly folder: string;
  readonly pod: PodRecord;
  readonly runs: readonly RunRecord[];
}

/** Every pod folder; one whose record is missing or broken was left half made and has no process. */
export function readSavedPods(podsFolder: string): { readonly saved: SavedPod[]; readonly broken: string[] } {
  const saved: SavedPod[] = [];
  const broken: string[] = [];
  for (const entry of list(podsFolder)) {
    const folder = join(podsFolder, entry);
    const pod = readJson<PodRecord>(join(folder, "pod.json"));
    const runs = list(join(folder, "containers")).map((name) =>
      readJson<RunRecord>(join(folder, "containers", name, "run.json")),
    );
    if (pod === undefined) broken.push(folder);
    else saved.push({ folder, pod, runs: runs.filter((run) => run !== undefined) });
  }
  return { saved, broken };
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as T;
  } catch {
    return undefined;
  }
}
