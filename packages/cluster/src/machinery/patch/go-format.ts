/** Go's `%+v` of decoded JSON, in which Kubernetes quotes a patch that it refuses: `map[spec:map[replicas:1]]`. */
import { isObject } from "../json.ts";

export function goFormat(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(goFormat).join(" ")}]`;
  if (!isObject(value)) return String(value);
  const entries = Object.keys(value)
    .sort()
    .map((key) => `${key}:${goFormat(value[key])}`);
  return `map[${entries.join(" ")}]`;
}
