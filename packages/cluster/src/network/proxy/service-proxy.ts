import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { EventRecorder } from "../../machinery/events.ts";
import type { Registry } from "../../machinery/types.ts";
import { compiledFile } from "../compiled.ts";
import { NetworkError } from "../errors.ts";
import type { AddressPlan } from "../types.ts";
import { LoadBalancers, type ReportProblem } from "./load-balancers.ts";
import { addressKey, type FromWorker, type ToWorker } from "./messages.ts";
import { TableKeeper } from "./table-keeper.ts";

export interface ServiceProxyOptions {
  readonly store: Pick<Registry, "get" | "modify" | "subscribe">;
  readonly plan: Pick<AddressPlan, "loadBalancers">;
  /** Serve LoadBalancer Services also on 127.0.0.1 at their own port, where that is free. */
  readonly loopbackLoadBalancer: boolean;
  /** Told of ports that are taken; without it such things go unmentioned. */
  readonly recordEvent?: EventRecorder;
  /** Called when the worker thread ends by itself; the cluster's Services are dead then. Default: throws. */
  readonly onFailure?: (error: NetworkError) => void;
}

/** What Kubernetes calls kube-proxy, and a load balancer. Resolves once every Service present is served. */
export async function startServiceProxy(options: ServiceProxyOptions): Promise<{ stop(): Promise<void> }> {
  const { store, plan } = options;
  const report = reporter(options);
  const worker = startWorker(options, report);
  const balancers = new LoadBalancers(store, plan.loadBalancers, report);
  const keeper = new TableKeeper(options.loopbackLoadBalancer, worker.post);
  const unfollow = keeper.follow(store, (change) => balancers.observe(change));
  await balancers.idle();
  keeper.flush();
  await worker.settled();
  let stopped: Promise<void> | undefined;
  return {
    stop() {
      stopped ??= (async () => {
        unfollow();
        await balancers.idle();
        await worker.stop();
      })();
      return stopped;
    },
  };
}

function startWorker({ onFailure = raise }: ServiceProxyOptions, report: ReportProblem) {
  const worker = new Worker(compiledFile(import.meta.url, "./worker.ts"), { name: "service-proxy" });
  const say = (message: ToWorker): void => worker.postMessage(message);
  const waiting = new Map<number, () => void>();
  let sequence = 0;
  let isStopping = false;
  worker.on("message", (message: FromWorker) => {
    if (message.type === "refused") reportRefusal(message, report);
    else release(waiting, message.sequence);
  });
  worker.on("error", (error) => onFailure(new NetworkError("WorkerEnded", "the service proxy failed", error)));
  worker.once("exit", (code) => {
    release(waiting, Number.POSITIVE_INFINITY);
    if (!isStopping && code === 0) onFailure(new NetworkError("WorkerEnded", "the service proxy ended"));
  });
  return {
    post: (rows: Extract<ToWorker, { type: "change" }>["rows"], removed: readonly string[]): void =>
      say({ type: "change", sequence: ++sequence, rows, removed }),
    /** Resolves when all that was posted is applied. */
    settled: (): Promise<void> =>
      sequence === 0 ? Promise.resolve() : new Promise((resolve) => void waiting.set(sequence, resolve)),
    async stop(): Promise<void> {
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

function raise(error: NetworkError): void {
  throw error;
}

function reportRefusal({ id, at, code }: Extract<FromWorker, { type: "refused" }>, report: ReportProblem): void {
  const [namespace = "", name = ""] = id.split("/");
  const where = addressKey(at);
  const message =
    code === "EADDRINUSE"
      ? `${where} is taken by another program; the Service stays reachable at its other addresses, and ${where} follows when it is free`
      : code === "EACCES"
        ? `${where} may not be bound by this user (ports below 1024 need a privilege)`
        : `cannot listen on ${where} (${code})`;
  report({ namespace, name }, code === "EADDRINUSE" ? "PortTaken" : "CannotListen", message);
}

function reporter({ store, recordEvent }: ServiceProxyOptions): ReportProblem {
  return ({ namespace, name }, reason, message) => {
    const service = store.get("services", namespace, name);
    if (service) recordEvent?.(service, "Warning", reason, message, "service-proxy");
  };
}
