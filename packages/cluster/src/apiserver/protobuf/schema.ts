/** The wire schema, parsed message by message as they are met. */
import { wireSchema } from "./wire-schema.ts";

export type ScalarCode = "s" | "i" | "b" | "y" | "d";

export interface WireField {
  readonly name: string;
  /** A zero value is sent only when it is meant. */
  readonly isNullable: boolean;
  readonly isEmbedded: boolean;
  readonly isList: boolean;
  readonly isMap: boolean;
  /** A scalar, or the name of a message. */
  readonly type: { readonly scalar: ScalarCode } | { readonly message: string };
}

export type WireMessage = ReadonlyMap<number, WireField>;

const lines = new Map<string, string>();
const parsed = new Map<string, WireMessage>();

/** The message's fields by number; undefined when it is not known. */
export function messageOf(name: string): WireMessage | undefined {
  if (lines.size === 0) readLines();
  const line = lines.get(name);
  if (line === undefined) return undefined;
  let message = parsed.get(name);
  if (message === undefined) {
    message = new Map(line === "" ? [] : line.split(", ").map(parseField));
    parsed.set(name, message);
  }
  return message;
}

function readLines(): void {
  for (const line of wireSchema.trim().split("\n")) {
    const colon = line.indexOf(":");
    lines.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
}

const flags = "?~*%";

function parseField(text: string): [number, WireField] {
  const [number, name = "", code = ""] = text.split(" ");
  const start = [...code].findIndex((character) => !flags.includes(character));
  const present = code.slice(0, start);
  const type = code.slice(start);
  return [
    Number(number),
    {
      name,
      isNullable: present.includes("?"),
      isEmbedded: present.includes("~"),
      isList: present.includes("*"),
      isMap: present.includes("%"),
      type: type.startsWith("@") ? { message: type.slice(1) } : { scalar: type as ScalarCode },
    },
  ];
}

/** The message of a kind: API groups lose their domain, `rbac.authorization.k8s.io/v1 Role` is `rbac.v1.Role`. */
export function messageOfKind(apiVersion: string, kind: string): string {
  if (kind === "DeleteOptions") return "meta.v1.DeleteOptions";
  const [version = "", group = "core"] = apiVersion.split("/").toReversed();
  return `${group.split(".")[0]}.${version}.${kind}`;
}
