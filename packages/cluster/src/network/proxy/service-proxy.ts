import type { EventRecorder } from "../../machinery/events.ts";
import type { Registry } from "../../machinery/types.ts";
import type { NetworkError } from "../errors.ts";
import type { AddressPlan } from "../types.ts";
import { type DataPathThread, startDataPathThread } from "./data-path-thread.ts";
import { LoadBalancers, type ReportProblem } from "./load-balancers.ts";
import { addressKey, type FromWorker } from "./messages.ts";
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

export interface ServiceProxy {
  /** The thread that carries the data; the Ingress serves from it, too. */
  readonly thread: Pick<DataPathThread, "serveIngress" | "onSite">;
  stop(): Promise<void>;
}

/** What Kubernetes calls kube-proxy, and a load balancer. Resolves once every Service present is served. */
export async function startServiceProxy(options: ServiceProxyOptions): Promise<ServiceProxy> {
  const { store, plan, onFailure = raise } = options;
  const report = reporter(options);
  const thread = startDataPathThread({ onFailure, onRefused: (refusal) => reportRefusal(refusal, report) });
  const balancers = new LoadBalancers(store, plan.loadBalancers, report);
  const keeper = new TableKeeper(options.loopbackLoadBalancer, thread.change);
  const unfollow = keeper.follow(store, (change) => balancers.observe(change));
  await balancers.idle();
  keeper.flush();
  await thread.settled();
  let stopped: Promise<void> | undefined;
  return {
    thread,
    stop() {
      stopped ??= (async () => {
        unfollow();
        await balancers.idle();
        await thread.stop();
      })();
      return stopped;
    },
  };
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
