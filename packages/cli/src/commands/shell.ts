/** Commands that prepare a user's shell. */
import { join } from "node:path";
import { runningDaemon } from "../daemon-record.ts";
import { CliError } from "../errors.ts";
import { workspaceRoot } from "../home.ts";
import type { CommandContext } from "./types.ts";

export async function kubeconfig({ home, output }: CommandContext): Promise<void> {
  if (!(await runningDaemon(home))) throw new CliError("No cluster runs here. Start one: coracle cluster start");
  output.result({ kubeconfig: home.kubeconfig }, () => home.kubeconfig);
}

export async function env({ home, output }: CommandContext): Promise<void> {
  const bin = join(workspaceRoot, "node_modules", ".bin");
  const values = { KUBECONFIG: home.kubeconfig, CORACLE_HOME: home.dir };
  output.result({ ...values, pathPrefix: [workspaceRoot, bin] }, () =>
    [
      ...Object.entries(values).map(([name, value]) => `export ${name}=${quoted(value)}`),
      `export PATH=${quoted(workspaceRoot)}:${quoted(bin)}:"$PATH"`,
    ].join("\n"),
  );
}

const quoted = (value: string): string => `'${value.replaceAll("'", "'\\''")}'`;
