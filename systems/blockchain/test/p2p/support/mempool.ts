import type { ScriptVerifier } from "../../../src/mempool/verify.ts";

/** For pools that are not about scripts. */
export const anyScripts: ScriptVerifier = { verifyScripts: () => undefined, verifyAhead: async () => undefined };
