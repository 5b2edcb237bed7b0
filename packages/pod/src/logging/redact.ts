/** Names under which secrets travel. Matched against whole words of a key, so `tokenCount` passes only with a number as its value. */
const secretKey = /(pass(word|phrase|wd)?|secret|token|api[-_]?key|private[-_]?key|credential|authorization|cookie)/i;

const mask = "[redacted]";
const maxDepth = 6;
const maxItems = 100;
const maxText = 8192;

/** A copy of `value` that is safe and small enough to log: secrets masked by key, errors spelled out, cycles and depth cut. */
export function loggable(value: unknown, key = "", depth = 0): unknown {
  if (secretKey.test(key) && typeof value !== "number" && typeof value !== "boolean" && value != null) return mask;
  if (typeof value === "string") return value.length > maxText ? `${value.slice(0, maxText)}…` : value;
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "function" || typeof value === "symbol") return String(value.toString().split("\n", 1)[0]);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= maxDepth) return "[deep]";
  return structure(value, depth + 1);
}

function structure(value: object, depth: number): unknown {
  if (value instanceof Error) return loggableError(value, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "[invalid date]" : value.toISOString();
  if (value instanceof Uint8Array) return `[${value.length} bytes]`;
  if (value instanceof Map) return structure(Object.fromEntries(value), depth);
  if (value instanceof Set) return structure([...value], depth);
  if (Array.isArray(value)) return value.slice(0, maxItems).map((item) => loggable(item, "", depth));
  const entries = Object.entries(value).slice(0, maxItems);
  return Object.fromEntries(entries.map(([key, item]) => [key, loggable(item, key, depth)]));
}

function loggableError(error: Error, depth: number): unknown {
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    message: error.message,
    ...(code !== undefined && { code }),
    ...(error.stack !== undefined && { stack: error.stack }),
    ...(error.cause !== undefined && { cause: loggable(error.cause, "", depth) }),
  };
}
