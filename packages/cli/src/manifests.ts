/** Reads Kubernetes objects from a file, a folder of files, or a folder with a `kustomization.yaml` that lists them. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { KubeObject } from "@coracle/kube";
import { parseAllDocuments } from "yaml";
import { CliError } from "./errors.ts";

export interface Manifest extends KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** Rejects with CliError naming file and line for anything that is not a Kubernetes object. */
export async function readManifests(path: string): Promise<Manifest[]> {
  const files = await manifestFiles(path);
  const objects = (await Promise.all(files.map(readObjects))).flat();
  if (objects.length === 0)
    throw new CliError(`${path} holds no Kubernetes objects (.yaml, .yml or .json). Nothing was applied.`);
  return objects;
}

async function manifestFiles(path: string): Promise<string[]> {
  const info = await stat(path).catch(() => undefined);
  if (!info) throw new CliError(`${path} does not exist. Nothing was applied.`);
  if (!info.isDirectory()) return [path];
  const names = await readdir(path);
  const kustomization = names.find((name) => /^kustomization\.ya?ml$/.test(name));
  if (kustomization) return kustomized(path, join(path, kustomization));
  return names
    .filter((name) => /\.(ya?ml|json)$/.test(name))
    .sort()
    .map((name) => join(path, name));
}

/** Only the list of resources is understood; for patches and generators the user has `kubectl apply -k`. */
async function kustomized(dir: string, file: string): Promise<string[]> {
  const [document] = parseAllDocuments(await readFile(file, "utf8"));
  const { resources, apiVersion: _, kind: __, ...others } = (document?.toJS() ?? {}) as Record<string, unknown>;
  const unknown = Object.keys(others);
  if (unknown.length > 0 || !Array.isArray(resources))
    throw new CliError(
      `${file} uses ${unknown.join(", ") || "no resources"}; coracle reads only its list of resources. Use: kubectl apply -k ${dir}`,
    );
  return (await Promise.all(resources.map((resource) => manifestFiles(join(dir, String(resource)))))).flat();
}

async function readObjects(file: string): Promise<Manifest[]> {
  const text = await readFile(file, "utf8");
  return parseAllDocuments(text).flatMap((document) => {
    const [error] = document.errors;
    if (error) throw new CliError(`${file}: ${error.message}\nNothing was applied.`);
    return flatten(document.toJS()).map((object) => checked(file, object));
  });
}

function flatten(object: unknown): unknown[] {
  if (object === null || object === undefined) return [];
  const { kind, items } = object as { kind?: unknown; items?: unknown };
  return kind === "List" && Array.isArray(items) ? items : [object];
}

function checked(file: string, object: unknown): Manifest {
  const { apiVersion, kind, metadata } = object as Partial<Manifest>;
  const missing = [!apiVersion && "apiVersion", !kind && "kind", !metadata?.name && "metadata.name"].filter(Boolean);
  if (missing.length > 0)
    throw new CliError(
      `${file}: an object without ${missing.join(", ")} is not a Kubernetes object. Nothing was applied.`,
    );
  return object as Manifest;
}
