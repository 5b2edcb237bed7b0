/** Puts the parts together: the order in which they start is the order in which each may use the one before it. */
import { join } from "node:path";
import { openTokens } from "./apiserver/auth/tokens.ts";
import { openModels } from "./apiserver/discovery/models.ts";
import { kubeconfig } from "./apiserver/kubeconfig.ts";
import { openPki } from "./apiserver/pki/pki.ts";
import { startApiServer } from "./apiserver/server.ts";
import { startControllers } from "./controllers/start.ts";
import type { Faults } from "./faults/faults.ts";
import { openFaultInjection } from "./faults/injection.ts";
import { type Nodes, openNodes } from "./faults/nodes.ts";
import { createKubelet } from "./kubelet/kubelet.ts";
import { systemClock } from "./machinery/clock.ts";
import { createEventRecorder } from "./machinery/events.ts";
import { schemasOfModels } from "./machinery/fields/models.ts";
import { openStore } from "./machinery/open-store.ts";
import type { Registry } from "./machinery/types.ts";
import { addressPlan } from "./network/addresses.ts";
import { startDns } from "./network/dns/server.ts";
import { startIngress } from "./network/ingress/ingress.ts";
import { startNetworkPolicies } from "./network/policy/network-policies.ts";
import { preloadEnvironment } from "./network/preload/environment.ts";
import { startServiceProxy } from "./network/proxy/service-proxy.ts";
import { type ClusterOptions, type ResolvedOptions, resolveOptions } from "./options.ts";
import { claimClusterNetwork, openStateDir } from "./state-dir.ts";
import { loadPodStream } from "./streams/load.ts";
import { workspacePrograms } from "./workspace-images.ts";

export const apiPort = 6443;

/** A running cluster. */
export interface Cluster {
  /** `https://127.x.0.1:6443`. */
  readonly url: string;
  /** Text of a kubeconfig with an administrator's context named `coracle`. */
  readonly kubeconfig: string;
  readonly caPem: string;
  readonly adminToken: string;
  /** The virtual nodes, which can be stopped and started. */
  readonly nodes: Nodes;
  /** What goes wrong on purpose. */
  readonly faults: Faults;
  /** The isolation in force. */
  readonly isolation: "namespaces" | "plain";
  /** The objects, in this process. */
  readonly registry: Registry;
  /** Ends all pods (TERM, then KILL after their grace), then the cluster; a temporary folder is removed. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts a cluster in this process and resolves when its API answers and its nodes are ready.
 * @throws ClusterError, NetworkError, WalError (`locked`: another process has the folder; `corrupt`)
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const resolved = resolveOptions(options);
  const undo = undoStack();
  try {
    return await assemble(resolved, undo);
  } catch (error) {
    await undo.run();
    throw error;
  }
}

async function assemble(options: ResolvedOptions, undo: UndoStack): Promise<Cluster> {
  const clock = systemClock;
  const dir = await openStateDir(options.dir);
  undo.push(() => dir.release());
  const claim = await claimClusterNetwork(dir, options.net);
  undo.push(() => claim.release());
  const plan = addressPlan(claim.net, { dnsPort: claim.dnsPort });
  const pki = await openPki({ ...(dir.isKept && { dir: join(dir.path, "pki") }), addresses: [plan.apiServer] });
  const schemas = schemasOfModels(openModels());
  const store = await openStore({ ...(dir.isKept && { dir: join(dir.path, "state") }), plan, clock, schemas });
  undo.push(() => store.close());
  const tokens = openTokens({ pki, store, clock });
  const recordEvent = createEventRecorder({ store, clock });
  const apiServer = { host: plan.apiServer, port: apiPort };
  const nodes = Array.from({ length: options.nodes }, (_, index) => `node-${index + 1}`);
  const liveDir = join(dir.path, "live");
  const policies = startNetworkPolicies({ store, dir: join(liveDir, "policies") });
  undo.push(() => policies.stop());
  const injection = openFaultInjection({ store, clock, plan, dir: join(liveDir, "faults") });
  const kubelet = createKubelet({
    store,
    plan,
    clock,
    dir: dir.path,
    nodes,
    images: { system: workspacePrograms(options.workspace), extra: options.images },
    isolation: options.isolation,
    issueToken: tokens.issueToken,
    caPem: pki.caPem,
    apiServer,
    recordEvent,
    preload: {
      liveDir,
      environment: (podIp, pod) =>
        preloadEnvironment({
          plan,
          podIp,
          pod,
          policyFile: policies.fileFor(pod, podIp),
          faultsFile: injection.fileFor(pod),
        }),
    },
    timing: { backoffBaseMs: options.restartBackoffMs, nodeLeaseMs: Math.min(10_000, options.nodeGracePeriodMs / 4) },
  });
  const api = await startApiServer({
    store,
    kubelet,
    pki,
    tokens,
    plan,
    clock,
    ...apiServer,
    podStreams: loadPodStream,
    faults: injection.api,
  });
  undo.push(() => api.stop());
  const dns = await startDns({ store, plan, intercept: injection.dns });
  undo.push(() => dns.stop());
  const proxy = await startServiceProxy({
    store,
    plan,
    loopbackLoadBalancer: options.loopbackLoadBalancers,
    recordEvent,
  });
  undo.push(() => proxy.stop());
  const ingress = await startIngress({
    store,
    plan,
    thread: proxy.thread,
    isOnLoopback: options.loopbackLoadBalancers,
    issueCertificate: pki.issue,
    recordEvent,
  });
  undo.push(() => ingress.stop());
  // The kubelet's nodes come first, so that the controllers never see a cluster without nodes.
  await kubelet.start();
  const controllers = startControllers({
    store,
    clock,
    caPem: pki.caPem,
    options: {
      volumesDir: join(dir.path, "volumes"),
      apiServer,
      metrics: kubelet,
      nodeGracePeriodMs: options.nodeGracePeriodMs,
      evictionTolerationMs: options.evictionTolerationMs,
    },
  });
  // Pods end before the controllers do their last work and while the API still answers: leaders release their Leases.
  undo.push(() => kubelet.stop());
  undo.push(() => controllers.stop());
  const faults = await injection.start(kubelet);
  // Paused pods could not end, and clients of a hanging API would wait.
  undo.push(() => injection.stop());
  return {
    url: api.url,
    kubeconfig: kubeconfig({ url: api.url, caPem: pki.caPem, token: pki.adminToken }),
    caPem: pki.caPem,
    adminToken: pki.adminToken,
    nodes: openNodes(nodes, faults),
    faults,
    isolation: kubelet.isolation,
    registry: store,
    stop: () => undo.run(),
  };
}

interface UndoStack {
  push(step: () => void | Promise<void>): void;
  /** Runs the steps, last first, each once; rejects with the first error after all have run. */
  run(): Promise<void>;
}

function undoStack(): UndoStack {
  const steps: (() => void | Promise<void>)[] = [];
  let running: Promise<void> | undefined;
  const runAll = async (): Promise<void> => {
    const errors: unknown[] = [];
    for (let step = steps.pop(); step; step = steps.pop())
      try {
        await step();
      } catch (error) {
        errors.push(error);
      }
    if (errors.length > 0) throw errors[0];
  };
  return {
    push: (step) => void steps.push(step),
    run: () => {
      running ??= runAll();
      return running;
    },
  };
}
