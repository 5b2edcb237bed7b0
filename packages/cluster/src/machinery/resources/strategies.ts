/** The kinds' own rules. A kind without a row here has only the rules that all share. */
import type { ResourceKey } from "../store.ts";
import type { Strategy } from "./row.ts";

export const strategies: Readonly<Record<ResourceKey, Strategy>> = {};
