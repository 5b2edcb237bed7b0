/**
 * Kubernetes' types with what its OpenAPI documents say of them: descriptions (those of fields that refer to other types too), enumerations and
 * which fields are required. They come from the declaration files of `kubernetes-models`, which is generated from those documents. The package is
 * never run: the declarations that somebody asks for are read as text.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** As TypeScript writes a type, with names replaced by where they are declared. */
export interface DocumentedField {
  readonly name: string;
  readonly description: string;
  readonly isRequired: boolean;
  readonly type: string;
}

export interface DocumentedType {
  readonly description: string;
  /** Absent for a type that stands for another one, such as a time. */
  readonly fields?: readonly DocumentedField[];
  /** Address of the declaration of a name in `type`; undefined for a name that is none. */
  addressOf(name: string): string | undefined;
}

/** Reads the type declared at an address such as `kubernetes-models/apps/v1/Deployment`; undefined when there is none. */
export type ReadType = (address: string) => DocumentedType | undefined;

/** The reader for the installed package. Nothing is kept: who asks keeps what it made. */
export function openDocumentedTypes(): ReadType {
  const require = createRequire(import.meta.url);
  const folders = new Map<string, string>();
  const folderOf = (name: string): string => {
    const known = folders.get(name) ?? dirname(require.resolve(`${name}/package.json`));
    folders.set(name, known);
    return known;
  };
  return (address) => {
    try {
      const [, name = "", path = ""] = /^((?:@[^/]+\/)?[^/]+)\/(.+)$/.exec(address) ?? [];
      return parseType(address, readFileSync(join(folderOf(name), `${path}.d.ts`), "utf8"));
    } catch {
      return undefined;
    }
  };
}

const importLine = /^import \{ (\w+) \} from "([^"]+)";$/gm;
const interfaceOpening = /^export interface (\w+)[^{\n]*\{$/m;
const leadingComment = /\/\*\*\n((?: \*.*\n)+?) \*\/\nexport /;
const fieldPattern = /(?:^ {4}\/\*\*\n((?: {5}\* ?.*\n)*?) {5}\*\/\n)?^ {4}"([^"]+)"(\??): (\{[\s\S]*?^ {4}\}|.*);$/gm;

/** Exported for tests. */
export function parseType(address: string, declaration: string): DocumentedType {
  const imports = new Map<string, string>();
  for (const [, name = "", from = ""] of declaration.matchAll(importLine)) imports.set(name, resolve(address, from));
  const opening = interfaceOpening.exec(declaration);
  const description = plainText(leadingComment.exec(declaration)?.[1] ?? "");
  if (opening === null) return { description, addressOf: (name) => imports.get(name) };
  imports.set(opening[1] as string, address);
  const start = opening.index + opening[0].length;
  const body = declaration.slice(start, declaration.indexOf("\n}", start) + 1);
  const fields = [...body.matchAll(fieldPattern)].map(([, comment = "", name = "", optional, type = ""]) => ({
    name,
    description: plainText(comment),
    isRequired: optional !== "?",
    type: type.replaceAll(/\s+/g, " "),
  }));
  return { description, fields, addressOf: (name) => imports.get(name) };
}

/** The address that `from` means in the file of `address`. */
const resolve = (address: string, from: string): string => {
  const plain = from.replace(/\.js$/, "");
  return plain.startsWith(".") ? join(dirname(address), plain) : plain;
};

const plainText = (comment: string): string =>
  comment
    .replaceAll(/^ +\* ?/gm, "")
    .replaceAll(/\\([*/])/g, "$1")
    .trim();
