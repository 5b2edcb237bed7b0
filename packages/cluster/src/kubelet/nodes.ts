/** The nodes as objects: registered once, kept alive by a Lease each. */
import { cpus, hostname, machine, release, totalmem } from "node:os";
import type { Node, NodeCondition } from "kubernetes-types/core/v1.js";
import { isStatus } from "../machinery/errors.ts";
import type { KubeletOptions, Timing } from "./options.ts";
import { rfc3339 } from "./pod/time.ts";

export interface Nodes {
  /** Renews the node's Lease no longer. */
  silence(name: string): void;
  /** Registers the node again and renews its Lease at once. */
  wake(name: string): Promise<void>;
  stop(): void;
}

const leaseNamespace = "kube-node-lease";
const leaseSeconds = 40;
const podsPerNode = "110";

type NodeOptions = Pick<KubeletOptions, "store" | "plan" | "clock" | "nodes">;

/** Creates or refreshes every Node and renews its Lease until stopped. */
export async function startNodes(options: NodeOptions, timing: Timing): Promise<Nodes> {
  const { clock, nodes } = options;
  let cancel: (() => void) | undefined;
  let isStopped = false;
  const silent = new Set<string>();
  const registerNode = (name: string) => register(options, name, options.plan.node(nodes.indexOf(name)));
  await Promise.all(nodes.map(registerNode));
  const renew = async (): Promise<void> => {
    const heard = nodes.filter((name) => !silent.has(name));
    await Promise.all(heard.map((name) => renewLease(options, name).catch(() => undefined)));
    if (!isStopped) cancel = clock.after(timing.nodeLeaseMs, () => void renew());
  };
  await renew();
  return {
    silence: (name) => void silent.add(name),
    async wake(name) {
      silent.delete(name);
      await registerNode(name);
      await renewLease(options, name);
    },
    stop() {
      isStopped = true;
      cancel?.();
    },
  };
}

async function register({ store, clock }: NodeOptions, name: string, address: string): Promise<void> {
  const labels = {
    "beta.kubernetes.io/arch": architecture(),
    "beta.kubernetes.io/os": "linux",
    "kubernetes.io/arch": architecture(),
    "kubernetes.io/hostname": name,
    "kubernetes.io/os": "linux",
  };
  await store
    .create("nodes", { apiVersion: "v1", kind: "Node", metadata: { name, labels } }, { fieldManager: "kubelet" })
    .catch(ignoreExisting);
  const fill = (draft: Node): void => {
    draft.metadata = { ...draft.metadata, labels: { ...labels, ...draft.metadata?.labels } };
    Object.assign(draft, {
      status: { ...draft.status, ...nodeStatus(name, address, draft.status?.conditions ?? [], clock.now()) },
    });
  };
  await store.modify("nodes", "", name, fill, { fieldManager: "kubelet", subresource: "status" });
}

const ignoreExisting = (error: unknown): undefined => {
  if (!isStatus(error, "AlreadyExists")) throw error;
  return undefined;
};

const architecture = (): string => ({ x86_64: "amd64", aarch64: "arm64" })[machine()] ?? machine();

function nodeStatus(name: string, address: string, before: readonly NodeCondition[], now: number) {
  const capacity = {
    cpu: String(cpus().length),
    memory: `${Math.floor(totalmem() / 1024)}Ki`,
    pods: podsPerNode,
    "ephemeral-storage": "100Gi",
  };
  return {
    addresses: [
      { type: "InternalIP", address },
      { type: "Hostname", address: name },
    ],
    capacity,
    allocatable: capacity,
    conditions: conditionRows.map((row) => conditionOf(row, before, now)),
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    nodeInfo: {
      architecture: architecture(),
      bootID: "",
      containerRuntimeVersion: "coracle://0.1.0",
      kernelVersion: release(),
      kubeProxyVersion: "",
      kubeletVersion: "v1.36.0",
      machineID: hostname(),
      operatingSystem: "linux",
      osImage: "Coracle (processes of this machine)",
      systemUUID: "",
    },
  };
}

const conditionRows = [
  ["MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"],
  ["DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"],
  ["PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"],
  ["Ready", "True", "KubeletReady", "kubelet is posting ready status"],
] as const;

function conditionOf(
  [type, status, reason, message]: (typeof conditionRows)[number],
  before: readonly NodeCondition[],
  now: number,
): NodeCondition {
  const previous = before.find((each) => each.type === type && each.status === status);
  const lastTransitionTime = previous?.lastTransitionTime ?? rfc3339(now);
  return { type, status, lastHeartbeatTime: rfc3339(now), lastTransitionTime, reason, message };
}

async function renewLease({ store, clock }: NodeOptions, name: string): Promise<void> {
  const renewTime = new Date(clock.now()).toISOString().replace("Z", "000Z");
  const spec = { holderIdentity: name, leaseDurationSeconds: leaseSeconds, renewTime };
  const renewed = await store.modify("leases.coordination.k8s.io", leaseNamespace, name, (draft) => {
    draft.spec = { ...draft.spec, ...spec };
  });
  if (renewed !== undefined) return;
  const uid = store.get("nodes", "", name)?.metadata.uid ?? "";
  const ownerReferences = [{ apiVersion: "v1", kind: "Node", name, uid }];
  const metadata = { name, namespace: leaseNamespace, ownerReferences };
  await store
    .create("leases.coordination.k8s.io", { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec })
    .catch(ignoreExisting);
}
