/** The thread of the data path, as the cluster's thread sees it. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { compiledFile } from "../compiled.ts";
import { NetworkError } from "../errors.ts";
import type { IngressTable, SiteReport } from "../ingress/types.ts";
import type { FromWorker, ProxyRow, ToWorker } from "./messages.ts";

export interface DataPathThread {
  change(rows: readonly ProxyRow[], removed: readonly string[]): void;
  /** Replaces all that the Ingress serves; resolves when it is. `listener` hears where each site listens. */
  serveIngress(table: IngressTable): Promise<void>;
  onSite(listener: (report: SiteReport) => void): void;
  /** Resolves when all that was said is done. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

export interface DataPathThreadOptions {
  onRefused(refusal: Extract<FromWorker, { type: "refused" }>): void;
  /** The thread ended by itself. */
  onFailure(error: NetworkError): void;
}

export function startDataPathThread({ onRefused, onFailure }: DataPathThreadOptions): DataPathThread {
  const worker = new Worker(compiledFile(import.meta.url, "./worker.ts"), { name: "service-proxy" });
  const say = (message: ToWorker): void => worker.postMessage(message);
  const waiting = new Map<number, () => void>();
  let hearSite = (_report: SiteReport): void => {};
  let sequence = 0;
  let done = 0;
  let isStopping = false;
  const finish = (upTo: number): void => {
    done = Math.max(done, upTo);
    release(waiting, upTo);
  };
  worker.on("message", (message: FromWorker) => {
    if (message.type === "refused") onRefused(message);
    else if (message.type === "site") hearSite(message.report);
    else finish(message.sequence);
  });
  worker.on("error", (error) => onFailure(new NetworkError("WorkerEnded", "the service proxy failed", error)));
  worker.once("exit", (code) => {
    finish(Number.POSITIVE_INFINITY);
    if (!isStopping && code === 0) onFailure(new NetworkError("WorkerEnded", "the service proxy ended"));
  });
  const applied = (number: number): Promise<void> =>
    number <= done ? Promise.resolve() : new Promise((resolve) => void waiting.set(number, resolve));
  return {
    change: (rows, removed) => say({ type: "change", sequence: ++sequence, rows, removed }),
    serveIngress(table) {
      say({ type: "ingress", sequence: ++sequence, table });
      return applied(sequence);
    },
    onSite(listener) {
      hearSite = listener;
    },
    settled: () => applied(sequence),
    async stop() {
      if (isStopping) return;
      isStopping = true;
      const ended = once(worker, "exit");
      say({ type: "stop" });
      await ended;
    },
  };
}

function release(waiting: Map<number, () => void>, sequence: number): void {
  for (const [waitsFor, resolve] of waiting) {
    if (waitsFor > sequence) continue;
    waiting.delete(waitsFor);
    resolve();
  }
}
