/** The commonest thing to drill: every key is a register that is read, written and deleted. */
import type { Model } from "@coracle/sim";
import type { DrillPlugin } from "./plugin.ts";

export type RegisterInput =
  | { readonly op: "get" }
  | { readonly op: "set"; readonly value: string }
  | { readonly op: "delete" };

/** The value or null, how many keys were deleted, or anything for a write. */
export type RegisterOutput = string | number | null;

const model: Model<string | null, RegisterInput, RegisterOutput> = {
  initial: null,
  step(state, input, output) {
    if (input.op === "set") return { state: input.value };
    if (input.op === "get") return output === state ? { state } : undefined;
    // An answer that never came may have been either.
    return output === undefined || output === Number(state !== null) ? { state: null } : undefined;
  },
  print: (state) => (state === null ? "-" : `=${state}`),
};

type Registers = Pick<DrillPlugin<string | null, RegisterInput, RegisterOutput>, "model" | "operations" | "readBack">;

/** To be spread into a plugin. */
export const registers: Registers = {
  model,
  readBack: { op: "get" },
  operations: {
    read: { isWrite: false, weight: 4, plan: (names) => ({ key: names.shared(), input: { op: "get" } }) },
    write: {
      isWrite: true,
      weight: 3,
      plan: (names) => ({ key: names.shared(), input: { op: "set", value: names.value() } }),
    },
    insert: {
      isWrite: true,
      weight: 2,
      plan: (names) => ({ key: names.fresh(), input: { op: "set", value: names.value() } }),
    },
    delete: { isWrite: true, weight: 1, plan: (names) => ({ key: names.shared(), input: { op: "delete" } }) },
  },
};
