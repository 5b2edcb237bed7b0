/** Stopping while something is being done. */
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { expect, it } from "vitest";
import { openFixture, sh } from "./cluster-fixture.ts";

it("waits for volumes that are being made, so that nothing is written into a folder that has gone", async () => {
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  let asked = (): void => undefined;
  const isAsked = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const fixture = await openFixture("plain", {
    issueToken: async () => {
      asked();
      await gate;
      return { token: "late", expiresAt: Date.now() + 3_600_000 };
    },
  });
  await fixture.run("slow", { containers: [sh("main", "exec sleep 100")] });
  await isAsked;
  let hasStopped = false;
  const stopped = fixture.kubelet.stop(100).then(() => {
    hasStopped = true;
  });
  // Everything else of the stop is done by then: no process runs.
  await new Promise((resolve) => setImmediate(resolve));
  expect(hasStopped).toBe(false);
  release();
  await stopped;
  await rm(fixture.dir, { recursive: true });
  await new Promise((resolve) => setImmediate(resolve));
  expect(existsSync(fixture.dir)).toBe(false);
  await fixture.close();
});
