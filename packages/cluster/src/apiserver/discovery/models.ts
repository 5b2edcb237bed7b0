/**
 * Kubernetes' schemas, out of the official JavaScript client: its generated models name every field with its type and description. The client is
 * never loaded as a program (that costs 75 MB); the files of the models that somebody asks for are read as text.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

export interface ModelProperty {
  readonly name: string;
  readonly description: string;
  readonly isRequired: boolean;
  /** As the client writes it: `string`, `Array<V1Container>`, `{ [key: string]: string; }`. */
  readonly type: string;
  readonly format: string;
}

export interface Model {
  readonly description: string;
  readonly properties: readonly ModelProperty[];
}

/** Reads a model by the client's name for it, such as `V1Pod`; undefined when there is none. */
export type ReadModel = (name: string) => Model | undefined;

let shared: ReadModel | undefined;

/** The reader of this process; models never change, so all clusters share what was read. */
export function openModels(): ReadModel {
  shared ??= createReader();
  return shared;
}

function createReader(): ReadModel {
  const folder = modelsFolder();
  const models = new Map<string, Model | undefined>();
  return (name) => {
    if (folder === undefined) return undefined;
    if (!models.has(name)) models.set(name, readModel(folder, name));
    return models.get(name);
  };
}

/** Undefined when the client is not installed; schemas are then left out. */
function modelsFolder(): string | undefined {
  try {
    const entry = createRequire(import.meta.url).resolve("@kubernetes/client-node");
    return join(dirname(entry), "gen", "models");
  } catch {
    return undefined;
  }
}

function readModel(folder: string, name: string): Model | undefined {
  try {
    const declaration = readFileSync(join(folder, `${name}.d.ts`), "utf8");
    const code = readFileSync(join(folder, `${name}.js`), "utf8");
    return parseModel(declaration, code);
  } catch {
    return undefined;
  }
}

const classComment = /\/\*\*\n\* ([^\n]*)\n\*\/\nexport declare class/;
const propertyLine = /(?: {4}\/\*\*\n {4}\* ([^\n]*)\n {4}\*\/\n)? {4}'([^'\n]+)'(\??):/g;
const attributeTypes = /attributeTypeMap = (\[[\s\S]*?\n\]);/;

/** The declaration has descriptions and which fields are optional; the code has the types. Exported for tests. */
export function parseModel(declaration: string, code: string): Model {
  const types = new Map(readTypes(code).map((attribute) => [attribute.name, attribute]));
  const properties = [...declaration.matchAll(propertyLine)].flatMap(([, comment = "", name = "", optional]) => {
    const attribute = types.get(name);
    if (attribute === undefined) return [];
    const { baseName, type, format } = attribute;
    return [{ name: baseName, description: plainText(comment), isRequired: optional !== "?", type, format }];
  });
  return { description: plainText(classComment.exec(declaration)?.[1] ?? ""), properties };
}

interface Attribute {
  readonly name: string;
  readonly baseName: string;
  readonly type: string;
  readonly format: string;
}

const readTypes = (code: string): Attribute[] => JSON.parse(attributeTypes.exec(code)?.[1] ?? "[]") as Attribute[];

const plainText = (comment: string): string => comment.replaceAll("\\'", "'").replaceAll('\\"', '"').trim();
