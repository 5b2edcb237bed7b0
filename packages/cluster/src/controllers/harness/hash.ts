import { safeEncode } from "../../machinery/names.ts";

/** FNV-1a, 32 bits. */
function fnv32a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const sorted = (object: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));

/** JSON with sorted keys, so that equal objects have equal text. */
const canonicalJson = (value: unknown): string =>
  JSON.stringify(value, (_, member) => (isPlainObject(member) ? sorted(member) : member));

/**
 * The hash in the names of revisions and replica sets: decimal digits spelled in the safe alphabet, as Kubernetes does.
 * `collisionCount` makes another name for equal content. The value differs from a real cluster's, which hashes Go's memory
 * layout; nothing but that cluster can rely on it.
 */
export const contentHash = (content: unknown, collisionCount = 0): string =>
  safeEncode(String(fnv32a(canonicalJson(content) + (collisionCount || ""))));
