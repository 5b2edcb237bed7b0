/** Finds out once what this machine allows. */
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ContainerError } from "../errors.ts";
import type { IsolationLevel } from "../options.ts";
import { namespaceIsolation } from "./namespaces.ts";
import { plainIsolation } from "./plain.ts";
import type { ContainerSpec, Isolation } from "./types.ts";

/** The isolation asked for; `auto` falls back to plain. Rejects when namespaces are asked for and the machine refuses them. */
export async function chooseIsolation(wanted: IsolationLevel | "auto", dir: string): Promise<Isolation> {
  if (wanted === "plain" || process.platform !== "linux") return plainIsolation;
  const stage = join(dir, "root");
  mkdirSync(stage, { recursive: true });
  const inUserNamespace = process.getuid?.() !== 0;
  let refusal = "";
  for (const hasPidNamespace of [true, false]) {
    const candidate = namespaceIsolation({ stage, inUserNamespace, hasPidNamespace });
    refusal = await tryOut(candidate, dir);
    if (refusal === "") return candidate;
  }
  if (wanted === "auto") return plainIsolation;
  const hint = "allow unprivileged user namespaces, run as root, or choose isolation `plain` or `auto`";
  throw new ContainerError("CreateContainerError", `this machine does not allow namespaces (${refusal}): ${hint}`);
}

const trial: ContainerSpec = {
  hostname: "trial",
  command: ["true"],
  env: { PATH: process.env.PATH ?? "/usr/bin:/bin" },
  workingDir: "/",
  mounts: [],
  hostDirs: [],
  isRootReadOnly: false,
  hasTty: false,
};

const trialLimitMs = 10_000;

/** Runs `true` in a container; empty when it worked, else what was said. */
async function tryOut(isolation: Isolation, dir: string): Promise<string> {
  const { file, args, env, cwd } = await isolation.launch(trial, dir);
  return await new Promise((resolve) => {
    const child = spawn(file, args, {
      env,
      cwd,
      stdio: ["ignore", "ignore", "pipe", "pipe", "ignore"],
      timeout: trialLimitMs,
    });
    let said = "";
    for (const stream of [child.stderr, child.stdio[3]]) stream?.on("data", (chunk: Buffer) => (said += chunk));
    child.on("error", ({ message }) => resolve(message));
    child.on("close", (code) => resolve(code === 0 ? "" : said.replace(/\nok\n?/, "").trim() || `exit code ${code}`));
  });
}
