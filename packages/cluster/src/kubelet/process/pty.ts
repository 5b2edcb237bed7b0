/**
 * Terminals. Node can't open a pty, so script(1) of util-linux holds it: its stdin and stdout are pipes to us, its child has the pty.
 * Where it is missing a TTY request is served without one, which shells bear.
 */
import { spawn } from "node:child_process";
import { readlinkSync } from "node:fs";
import { findProgram } from "../images/find-program.ts";
import { quote } from "../isolation/shim.ts";
import type { Launch } from "../isolation/types.ts";
import { treeOf } from "./proc.ts";

/** The same launch on a pty. */
export function ptyLaunch(launch: Launch): Launch {
  const script = process.platform === "linux" ? findProgram("script", process.env.PATH) : undefined;
  if (script === undefined) return launch;
  const command = `exec ${[launch.file, ...launch.args].map(quote).join(" ")}`;
  const env = { TERM: "xterm", ...launch.env, SHELL: "/bin/sh" };
  return { ...launch, file: script, args: ["--quiet", "--flush", "--return", "--command", command, "/dev/null"], env };
}

/** Tells the terminal below `pid` its size; best effort. */
export function resizePty(pid: number, columns: number, rows: number): void {
  const terminal = treeOf(pid)
    .map((each) => terminalOf(each.pid))
    .find((path) => path !== undefined);
  if (terminal === undefined || !(columns > 0 && rows > 0)) return;
  spawn("stty", ["-F", terminal, "cols", String(columns), "rows", String(rows)], { stdio: "ignore" }).on(
    "error",
    () => undefined,
  );
}

function terminalOf(pid: number): string | undefined {
  try {
    const path = readlinkSync(`/proc/${pid}/fd/0`);
    return path.startsWith("/dev/pts/") ? path : undefined;
  } catch {
    return undefined;
  }
}
