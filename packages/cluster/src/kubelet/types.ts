/** What the rest of the cluster asks of the kubelet: the pod subresources behind `kubectl logs, exec, attach, port-forward`. */
import type { Duplex, Readable, Writable } from "node:stream";

export interface PodRef {
  readonly namespace: string;
  readonly name: string;
}

export interface LogOptions {
  readonly container?: string;
  readonly follow?: boolean;
  readonly previous?: boolean;
  readonly tailLines?: number;
  readonly sinceSeconds?: number;
  /** RFC 3339. */
  readonly sinceTime?: string;
  readonly timestamps?: boolean;
  readonly limitBytes?: number;
}

export interface ExecOptions {
  readonly container?: string;
  readonly command: readonly string[];
  readonly stdin: boolean;
  readonly tty: boolean;
}

/** A process in a pod with its streams. The caller owns it: destroying the streams or aborting the signal ends an exec'd process. */
export interface ExecSession {
  /** Absent when the request asked for no stdin. */
  readonly stdin?: Writable;
  readonly stdout: Readable;
  /** Absent with a TTY, where stdout carries both. */
  readonly stderr?: Readable;
  resize(columns: number, rows: number): void;
  /** Resolves with the exit code (128+n for signal n). */
  readonly exitCode: Promise<number>;
}

export interface ContainerUsage {
  readonly name: string;
  readonly cpuNanoCores: number;
  readonly memoryBytes: number;
}

/** All methods reject with StatusError: NotFound for pods and containers, BadRequest for containers that have not started. */
export interface Kubelet {
  logs(pod: PodRef, options: LogOptions, signal: AbortSignal): Promise<Readable>;
  exec(pod: PodRef, options: ExecOptions, signal: AbortSignal): Promise<ExecSession>;
  attach(pod: PodRef, options: Omit<ExecOptions, "command">, signal: AbortSignal): Promise<ExecSession>;
  /** Opens a TCP connection to a port of the pod, as port-forward does. */
  dial(pod: PodRef, port: number, signal: AbortSignal): Promise<Duplex>;
  /** Usage of a running pod's containers; undefined when it is not running here. */
  usage(pod: PodRef): Promise<readonly ContainerUsage[] | undefined>;
  /** Starts reconciling pods bound to this kubelet's nodes; adopts or ends processes that an earlier run left. */
  start(): Promise<void>;
  /** Ends every pod process (TERM, then KILL after `graceMs`), leaving the objects as they are. */
  stop(graceMs?: number): Promise<void>;
}
