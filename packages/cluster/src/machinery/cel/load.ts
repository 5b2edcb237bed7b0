/** The expression language, which costs some 8 MB and is loaded when somebody brings an expression; from then on it is at hand. */
type Cel = typeof import("./cel.ts");

let loaded: Cel | undefined;

export async function loadCel(): Promise<Cel> {
  loaded ??= await import("./cel.ts");
  return loaded;
}

/** Undefined until `loadCel` has resolved once. */
export const celAtHand = (): Cel | undefined => loaded;

/** Where schemas of custom resources have their rules. */
export const rulesField = "x-kubernetes-validations";

/** Whether a schema, or a definition with schemas in it, has rules. */
export const hasRules = (schema: unknown): boolean =>
  typeof schema === "object" &&
  schema !== null &&
  (Object.hasOwn(schema, rulesField) || Object.values(schema).some(hasRules));
