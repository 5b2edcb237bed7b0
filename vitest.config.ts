import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: [
      "packages/*/test/**/*.test.ts",
      "systems/*/test/**/*.test.ts",
      "scripts/test/**/*.test.ts",
      "docs/examples/**/*.test.ts",
      // Published vectors, too large to keep here: run where their folder is named.
      ...(process.env.BITCOIN_VECTORS ? ["systems/blockchain/test/**/*.vectors.ts"] : []),
    ],
    globalSetup: ["scripts/testing/leaks.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
