/** A part that a system serves without: `up` comes up, and says what is missing and what that means. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Installation, install } from "./installation.ts";

let coracle: Installation;
beforeAll(async () => {
  coracle = await install();
}, 60_000);
afterAll(() => coracle?.remove(), 120_000);

const deployment = (name: string, image: string, annotations = ""): string => `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}${annotations}}
spec:
  replicas: 1
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - {name: main, image: ${image}, command: [sleep, "1000"]}
`;

it("comes up without an optional part and tells what is then different", async () => {
  const path = join(coracle.home, "parts.yaml");
  const note = ', annotations: {coracle.dev/optional: "everyone counts alone"}';
  await writeFile(path, `${deployment("needed", "busybox")}---\n${deployment("nice", "no-such-image", note)}`);
  const { code, stdout, output } = await coracle.sh(`coracle up ${path}`, { timeoutMs: 300_000 });
  expect([code, output]).toEqual([0, expect.stringContaining("Without")]);
  expect(stdout).toMatch(/container main of pod nice-.*ErrImagePull.*everyone counts alone/);
  expect(await coracle.ok("coracle status parts.yaml", { cwd: coracle.home })).toContain("everyone counts alone");
}, 320_000);
