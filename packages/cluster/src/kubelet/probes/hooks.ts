/** Lifecycle hooks: postStart and preStop. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Lifecycle } from "kubernetes-types/core/v1.js";
import { ContainerError } from "../errors.ts";
import { type ProbeTarget, probeHttp } from "./run-probe.ts";

/** kubernetes-types has no `sleep` yet. */
type Handler = NonNullable<Lifecycle["postStart"]> & { readonly sleep?: { readonly seconds: number } };

/** Runs a hook to its end. Throws PostStartHookError (whichever hook it was) with what went wrong; rejects when the signal fires. */
export async function runHook(handler: Handler, target: ProbeTarget, signal: AbortSignal): Promise<void> {
  if (handler.sleep) await sleep(handler.sleep.seconds * 1000, undefined, { signal, ref: false });
  if (handler.httpGet) {
    const { ok, output } = await probeHttp(handler.httpGet, target, signal);
    if (!ok) throw new ContainerError("PostStartHookError", output);
  }
  if (handler.exec) {
    const command = handler.exec.command ?? [];
    const { exitCode, output } = await target.exec(command, signal);
    if (exitCode !== 0) {
      const message = `command '${command.join(" ")}' exited with ${exitCode}: ${output}`;
      throw new ContainerError("PostStartHookError", message);
    }
  }
}
