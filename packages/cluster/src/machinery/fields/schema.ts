/** What a kind's fields are, as far as reading a request needs it. Sources are asked lazily, since schemas are large. */
import type { ResourceDescriptor } from "../store.ts";

export type FieldSchema =
  /** Not looked into. */
  | { readonly type: "any" }
  | { readonly type: "string" | "boolean" | "integer" | "number" | "intOrString" | "quantity"; readonly goType: string }
  | { readonly type: "array"; readonly goType: string; readonly items: FieldSchema }
  | { readonly type: "map"; readonly goType: string; readonly values: FieldSchema }
  | {
      readonly type: "struct";
      readonly goType: string;
      /** Undefined for a field that the kind does not have. */
      readonly field: (name: string) => FieldSchema | undefined;
    };

export interface SchemaSource {
  /** Undefined for a kind of which nothing is known: it is then not checked. */
  schemaOf(resource: Pick<ResourceDescriptor, "group" | "version" | "kind">): FieldSchema | undefined;
}
