import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { expect, it } from "vitest";
import { leftovers } from "../testing/leaks.ts";

it("all tests have a temporary folder of their run's own", () => {
  expect(basename(tmpdir())).toMatch(/^coracle-run-/);
  expect(basename(dirname(tmpdir()))).not.toMatch(/^coracle-run-/);
});

it("what is left behind is found", async () => {
  const dir = mkdtempSync(join(tmpdir(), "leaks-"));
  expect(await leftovers(dir)).toEqual({ files: [], processes: [] });
  writeFileSync(join(dir, "file"), "");
  const child = spawn("sleep", ["1000"], { env: { PATH: process.env.PATH, WHERE: `${dir}/x` }, stdio: "ignore" });
  await once(child, "spawn");
  const { files, processes } = await leftovers(dir);
  child.kill("SIGKILL");
  expect(files).toEqual(["file"]);
  if (process.platform === "linux") expect(processes).toMatchObject([{ pid: child.pid, command: "sleep 1000 " }]);
  rmSync(dir, { recursive: true });
}, 30_000);
