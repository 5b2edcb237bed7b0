import { isObject } from "../json.ts";

/**
 * Sets of fields in the form in which Kubernetes stores them (FieldsV1): a tree whose keys are `f:name`, `k:{"key":"value"}` or `v:value`.
 * A node without keys is a member; a node with keys is one when it has the key `.`. Trees are never changed, so they can be shared.
 */
export interface Fields {
  readonly [element: string]: Fields;
}

export const noFields: Fields = {};

/** Whether a value that a client sent is such a tree. */
export const isFields = (value: unknown): value is Fields =>
  isObject(value) &&
  Object.entries(value).every(([element, child]) => /^(\.$|[fvki]:)/.test(element) && isFields(child));

const self = ".";

const hasKeys = (fields: Fields) => {
  for (const _ in fields) return true;
  return false;
};

export const isMember = (fields: Fields): boolean => Object.hasOwn(fields, self) || !hasKeys(fields);

/** The root of an empty set. */
export const isEmptySet = (root: Fields): boolean => !hasKeys(root);

/** The path elements below a node. */
export const elements = (fields: Fields): string[] => Object.keys(fields).filter((element) => element !== self);

const childOf = (fields: Fields | undefined, element: string): Fields | undefined =>
  fields && Object.hasOwn(fields, element) ? fields[element] : undefined;

/** A node; undefined when it is neither a member nor leads to one. */
export function node(member: boolean, children: Fields): Fields | undefined {
  if (!hasKeys(children)) return member ? noFields : undefined;
  return member ? { [self]: noFields, ...children } : children;
}

type Combine = (a: Fields | undefined, b: Fields | undefined) => Fields | undefined;

/** Combines two trees element by element. Roots are never members, so for them the empty result is the empty set. */
function combine(
  a: Fields | undefined,
  b: Fields | undefined,
  keep: (inA: boolean, inB: boolean) => boolean,
): Fields | undefined {
  const children: Record<string, Fields> = {};
  const names = new Set([...(a ? elements(a) : []), ...(b ? elements(b) : [])]);
  for (const name of names) {
    const child = combine(childOf(a, name), childOf(b, name), keep);
    if (child) children[name] = child;
  }
  return node(keep(a !== undefined && isMember(a), b !== undefined && isMember(b)), children);
}

const either = (inA: boolean, inB: boolean) => inA || inB;
const both = (inA: boolean, inB: boolean) => inA && inB;
const onlyFirst = (inA: boolean, inB: boolean) => inA && !inB;

const unionNodes: Combine = (a, b) => (a && b ? combine(a, b, either) : (a ?? b));
const intersectNodes: Combine = (a, b) => (a && b ? combine(a, b, both) : undefined);

/** An empty root is no member, unlike an empty node, so it is told apart first. */
export const union = (a: Fields, b: Fields): Fields =>
  isEmptySet(a) ? b : isEmptySet(b) ? a : (unionNodes(a, b) ?? noFields);
export const intersect = (a: Fields, b: Fields): Fields => intersectNodes(a, b) ?? noFields;
export const subtract = (a: Fields, b: Fields): Fields => (overlaps(a, b) ? (combine(a, b, onlyFirst) ?? noFields) : a);

/** Whether the roots have a member in common. */
export function overlaps(a: Fields, b: Fields): boolean {
  return elements(b).some((element) => {
    const [inA, inB] = [childOf(a, element), childOf(b, element)];
    return inA && inB && ((isMember(inA) && isMember(inB)) || overlaps(inA, inB));
  });
}

/** The paths of all members, each as its elements. */
export function* membersOf(root: Fields, path: readonly string[] = []): Generator<readonly string[]> {
  for (const element of elements(root)) {
    const child = root[element] as Fields;
    const childPath = [...path, element];
    if (isMember(child)) yield childPath;
    yield* membersOf(child, childPath);
  }
}

/** A path as Kubernetes prints it: `.spec.containers[name="web"].image`. */
export const formatPath = (path: readonly string[]): string => path.map(formatElement).join("");

function formatElement(element: string): string {
  const text = element.slice(2);
  if (element.startsWith("f:")) return `.${text}`;
  if (element.startsWith("k:")) return `[${formatKeys(text)}]`;
  return `[=${text}]`;
}

/** As they are when a client has sent what is no JSON. */
function formatKeys(text: string): string {
  try {
    const keys = Object.entries(JSON.parse(text) as Record<string, unknown>);
    return keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(",");
  } catch {
    return text;
  }
}
