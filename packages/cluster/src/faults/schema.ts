/** The table of faults as an OpenAPI schema: what `kubectl explain fault.spec` shows. */
import { commonParameters, faultKinds, faultTable } from "./table.ts";

type Schema = Readonly<Record<string, unknown>>;

/** Which kinds take a parameter, and how each describes it. */
interface Use {
  readonly kind: string;
  readonly help: string;
  readonly schema: Schema;
}

export const faultSchema = (): Schema => ({
  type: "object",
  description: "Fault lets something go wrong on purpose: creating one injects it, deleting it clears it.",
  properties: {
    spec: {
      type: "object",
      description: "What goes wrong. A fault cannot be changed.",
      required: ["kind"],
      properties: {
        kind: { type: "string", enum: faultKinds, description: kindsText() },
        ...Object.fromEntries([...uses()].map(([name, all]) => [name, parameterSchema(all)])),
      },
    },
    status: {
      type: "object",
      description: "What became of it.",
      properties: {
        phase: { type: "string", description: "Active, Over or Failed." },
        affected: {
          type: "array",
          items: { type: "string" },
          description: "Whom it hit when it was injected: pods as namespace/name, nodes by name.",
        },
        message: { type: "string", description: "Why it could not be injected." },
        startTime: { type: "string", format: "date-time" },
        endTime: { type: "string", format: "date-time" },
      },
    },
  },
});

const kindsText = (): string => faultKinds.map((kind) => `${kind}: ${faultTable[kind].summary}.`).join(" ");

function uses(): Map<string, Use[]> {
  const found = new Map<string, Use[]>();
  for (const kind of faultKinds)
    for (const [name, { help, schema }] of Object.entries({ ...faultTable[kind].parameters, ...commonParameters }))
      found.set(name, [...(found.get(name) ?? []), { kind, help, schema }]);
  return found;
}

function parameterSchema(all: readonly Use[]): Schema {
  const helps = [...new Set(all.map(({ help }) => help))];
  const described = helps.map((help) => `${takers(all, help)}${help}.`).join(" ");
  const isOneType = new Set(all.map(({ schema }) => schema.type)).size === 1;
  return { ...(isOneType ? all[0]?.schema : { "x-kubernetes-int-or-string": true }), description: described };
}

/** Which kinds a description is for; nothing where all kinds share it. */
function takers(all: readonly Use[], help: string): string {
  const kinds = all.filter((each) => each.help === help).map(({ kind }) => kind);
  return kinds.length === faultKinds.length ? "" : `${kinds.join(", ")}: `;
}
