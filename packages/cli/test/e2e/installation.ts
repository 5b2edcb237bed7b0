/** A `coracle` with a home of its own, driven as a user drives it: by commands in a shell. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { root } from "../../../../scripts/testing/sources.ts";

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, as a terminal shows them. */
  readonly output: string;
}

export interface ShellOptions {
  readonly cwd?: string;
  readonly input?: string;
  readonly timeoutMs?: number;
  /** Ends a command that would go on, as the user's Ctrl-C does, once its output so far satisfies. */
  readonly endsAt?: (output: string) => boolean;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Installation {
  readonly home: string;
  /** Runs a line of shell with `coracle`, `kvstore` and kubectl's configuration at hand. After `timeoutMs` it is ended, with code null. */
  sh(line: string, options?: ShellOptions): Promise<Outcome>;
  /** The same, and rejects unless it ends with 0. Resolves with stdout. */
  ok(line: string, options?: ShellOptions): Promise<string>;
  /** Ends the cluster and removes all that it wrote. */
  remove(): Promise<void>;
}

export async function install(): Promise<Installation> {
  const home = await mkdtemp(join(tmpdir(), "coracle-home-"));
  const env = {
    ...process.env,
    CORACLE_HOME: home,
    KUBECONFIG: join(home, "kubeconfig"),
    PATH: [root, join(root, "node_modules", ".bin"), process.env.PATH].join(delimiter),
  };
  const sh = (line: string, options: ShellOptions = {}): Promise<Outcome> =>
    shell(line, { ...options, env: { ...env, ...options.env } });
  return {
    home,
    sh,
    async ok(line, options) {
      const { code, stdout, output } = await sh(line, options);
      if (code !== 0) throw new TypeError(`${line}\nended with ${code}:\n${output}`);
      return stdout;
    },
    async remove() {
      await sh("coracle cluster delete --yes");
      await rm(home, { recursive: true, force: true });
    },
  };
}

function shell(
  line: string,
  { cwd = root, input, timeoutMs = 120_000, endsAt, env }: ShellOptions & { env: NodeJS.ProcessEnv },
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    // A process group of its own, so that a time-out ends what the shell started too.
    const child = spawn("sh", ["-c", line], { cwd, env, detached: true, stdio: "pipe" });
    const parts = { stdout: "", stderr: "", output: "" };
    const end = (): boolean => process.kill(-(child.pid as number), "SIGTERM");
    let isEnded = false;
    for (const name of ["stdout", "stderr"] as const)
      child[name].setEncoding("utf8").on("data", (text: string) => {
        parts[name] += text;
        parts.output += text;
        if (isEnded || !endsAt?.(parts.output)) return;
        isEnded = true;
        end();
      });
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    const timer = setTimeout(end, timeoutMs);
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ code, ...parts });
    });
  });
}

/** Asks again until the answer satisfies, at most `timeoutMs`; rejects with the last answer. */
export async function until<T>(ask: () => Promise<T>, isGood: (answer: T) => boolean, timeoutMs = 30_000): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (isGood(answer)) return answer;
    if (performance.now() > deadline)
      throw new TypeError(`not within ${timeoutMs} ms; last: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
