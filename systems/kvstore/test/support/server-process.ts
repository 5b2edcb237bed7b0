/** `kvstore server` as a process of its own, on a temporary folder. Needs the compiled program. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export const PROGRAM = fileURLToPath(new URL("../../bin/kvstore.js", import.meta.url));

export interface ServerProcess {
  readonly child: ChildProcess;
  readonly port: number;
  /** Resolves with the exit code, or null after a signal. */
  kill(signal: NodeJS.Signals): Promise<number | null>;
}

/** Environment without what a pod or a user may have set. */
export const cleanEnv = (): NodeJS.ProcessEnv => ({ PATH: process.env.PATH, HOME: process.env.HOME });

/** Resolves once it serves; rejects with its output when it ends before. */
export function startProcess(dir: string, ...flags: string[]): Promise<ServerProcess> {
  const argv = [PROGRAM, "server", "--data-dir", dir, "--port", "0", "--health-port", "0", ...flags];
  const child = spawn(process.execPath, argv, { env: cleanEnv(), stdio: ["ignore", "pipe", "pipe"] });
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  let output = "";
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      output += chunk;
      const line = output.split("\n").find((text) => text.includes("Starting as MASTER"));
      if (!line) return;
      const kill = (signal: NodeJS.Signals) => {
        child.kill(signal);
        return exited;
      };
      resolve({ child, port: (JSON.parse(line) as { port: number }).port, kill });
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    void exited.then((code) => reject(new Error(`exited with ${code}: ${output}`)));
  });
}
