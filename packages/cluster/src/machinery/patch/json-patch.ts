/** JSON Patch, RFC 6902. */
import { isObject, jsonClone, jsonEqual, setOwn } from "../json.ts";
import { badPatch, unappliedPatch } from "./refusals.ts";

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

/** What a pointer's last step points into. */
interface Place {
  readonly parent: unknown;
  readonly key: string;
}

const maxOperations = 10_000;

/** Applies the operations to `document` in place and returns it, or what replaced it. Throws Invalid when one does not apply. */
export function applyJsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badPatch("a JSON patch is a list of operations");
  if (patch.length > maxOperations)
    throw badPatch(`the allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`);
  const root = { document };
  for (const operation of patch) apply(root, operation);
  return root.document;
}

type Root = { document: unknown };

const operations: Readonly<Record<string, (root: Root, operation: Operation) => void>> = {
  add: (root, { path, value }) => insert(locate(root, path), path, jsonClone(value)),
  remove: (root, { path }) => void take(locate(root, path), path),
  replace(root, { path, value }) {
    const place = locate(root, path);
    read(place, path);
    replace(place, jsonClone(value));
  },
  move(root, { from = "", path }) {
    if (path.startsWith(`${from}/`)) throw unappliedPatch(`cannot move ${from} into itself`);
    const value = take(locate(root, from), from);
    insert(locate(root, path), path, value);
  },
  copy: (root, { from = "", path }) => insert(locate(root, path), path, jsonClone(read(locate(root, from), from))),
  test(root, { path, value }) {
    if (!jsonEqual(read(locate(root, path), path), value))
      throw unappliedPatch(`testing value ${path} failed: test failed`);
  },
};

function apply(root: Root, operation: unknown): void {
  if (!isObject(operation) || typeof operation.op !== "string" || typeof operation.path !== "string")
    throw badPatch("an operation of a JSON patch needs an op and a path");
  const run = Object.hasOwn(operations, operation.op) ? operations[operation.op] : undefined;
  if (!run) throw badPatch(`Unexpected kind: ${operation.op}`);
  if (operation.from !== undefined && typeof operation.from !== "string") throw badPatch("from is not a pointer");
  run(root, operation as unknown as Operation);
}

const unescapeStep = (step: string) => step.replaceAll("~1", "/").replaceAll("~0", "~");

/** RFC 6901. The root is a field of a holder, so that it can be replaced like any other. */
function locate(root: Root, path: string): Place {
  if (path === "") return { parent: root, key: "document" };
  if (!path.startsWith("/")) throw badPatch(`${JSON.stringify(path)} is not a pointer`);
  const steps = path.slice(1).split("/").map(unescapeStep);
  const key = steps.pop() as string;
  let parent = root.document;
  for (const step of steps) parent = read({ parent, key: step }, path);
  if (!isObject(parent) && !Array.isArray(parent)) throw missing(path);
  return { parent, key };
}

const missing = (path: string) => unappliedPatch(`doc is missing path: ${path}: missing value`);

function read({ parent, key }: Place, path: string): unknown {
  if (Array.isArray(parent)) return parent[indexIn(parent, key, parent.length - 1, path)];
  if (!isObject(parent) || !Object.hasOwn(parent, key)) throw missing(path);
  return parent[key];
}

function indexIn(list: readonly unknown[], key: string, last: number, path: string): number {
  const index = key === "-" ? list.length : /^(0|[1-9]\d*)$/.test(key) ? Number(key) : Number.NaN;
  if (!(index <= last)) throw unappliedPatch(`doc is missing path: ${path}: invalid index referenced`);
  return index;
}

function insert({ parent, key }: Place, path: string, value: unknown): void {
  if (Array.isArray(parent)) parent.splice(indexIn(parent, key, parent.length, path), 0, value);
  else replace({ parent, key }, value);
}

function replace({ parent, key }: Place, value: unknown): void {
  if (Array.isArray(parent)) parent[Number(key)] = value;
  else if (isObject(parent)) setOwn(parent, key, value);
}

function take(place: Place, path: string): unknown {
  const value = read(place, path);
  const { parent, key } = place;
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else if (isObject(parent)) delete parent[key];
  return value;
}
