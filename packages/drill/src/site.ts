/** Where a drill takes place, as narrow as it is used. */
import type { KubeClient } from "@coracle/kube";
import type { Access } from "./plugin.ts";

export interface ExecResult {
  readonly code: number;
  /** Standard output and error together. */
  readonly output: string;
}

export interface Site {
  readonly kube: KubeClient;
  readonly namespace: string;
  readonly statefulSet: string;
  /** Selects the members' pods. */
  readonly labels: Readonly<Record<string, string>>;
  /** Runs a command in a pod's container. Rejects when it could not be run; code 137 when it was killed, as it is when its container ends. */
  exec(pod: string, container: string, command: readonly string[]): Promise<ExecResult>;
  /** How a pod's port is reached from here: its own address, or a forwarded port. */
  reach(
    pod: { readonly name: string; readonly address: string },
    port: number,
  ): { readonly host: string; readonly port: number };
}

/** A site with the members found on it. */
export interface Ground extends Site {
  readonly access: Access;
}
