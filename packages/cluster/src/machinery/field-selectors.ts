/** Field selectors: `status.phase=Running,metadata.name!=a`. */
import { StatusError } from "./errors.ts";
import type { ApiObject } from "./types.ts";

export interface FieldRequirement {
  readonly path: string;
  readonly value: string;
  readonly isEqual: boolean;
}

export type FieldSelector = readonly FieldRequirement[];

/** Parses kubectl's syntax. `supported` are the kind's selectable fields; any other is a BadRequest. */
export function parseFieldSelector(text: string, supported: readonly string[]): FieldSelector {
  return text
    .split(",")
    .filter((part) => part !== "")
    .map((part) => parseRequirement(part, supported));
}

const common = ["metadata.name", "metadata.namespace"];

/** Kinds with selectable fields of their own are refused in other words than those without. */
const unsupported = (path: string, supported: readonly string[]) =>
  supported.some((field) => !common.includes(field))
    ? `field label not supported: ${path}`
    : `${JSON.stringify(path)} is not a known field selector: only ${common.map((field) => JSON.stringify(field)).join(", ")}`;

function parseRequirement(part: string, supported: readonly string[]): FieldRequirement {
  const match = /^([^=!]*)(==|=|!=)(.*)$/.exec(part);
  if (!match)
    throw new StatusError(
      "BadRequest",
      `invalid selector: '${part}'; can't understand '${part.replace(/[=!].*/, "")}'`,
    );
  const [path, operator, value] = match.slice(1).map((piece) => piece.trim()) as [string, string, string];
  if (!supported.includes(path)) throw new StatusError("BadRequest", unsupported(path, supported));
  return { path, value: value.replace(/\\([\\,=])/g, "$1"), isEqual: operator !== "!=" };
}

export const matchesFields = (selector: FieldSelector, object: ApiObject): boolean =>
  selector.every(({ path, value, isEqual }) => (readField(object, path) === value) === isEqual);

/** The value at a dotted path as a field selector compares it: absent is `""`. */
function readField(object: ApiObject, path: string): string {
  let value: unknown = object;
  for (const step of path.split(".")) value = (value as ApiObject | undefined)?.[step];
  return value === undefined || value === null ? "" : String(value);
}
