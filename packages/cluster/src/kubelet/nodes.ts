/** The nodes as objects: registered once, kept alive by a Lease each. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
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

type NodeOptions = Pick<KubeletOptions, "store" | "plan" | "clock" | "nodes" | "recordEvent">;

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

async function register({ store, clock, recordEvent }: NodeOptions, name: string, address: string): Promise<void> {
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
  const node = await store.modify("nodes", "", name, fill, { fieldManager: "kubelet", subresource: "status" });
  const uid = node?.metadata.uid ?? "";
  await noteDrivers(store, name, uid);
  announce(recordEvent, name);
}

/** What a kubelet says as it starts. As in Kubernetes, events about a node have its name for a uid. */
function announce(recordEvent: NodeOptions["recordEvent"], name: string): void {
  const about = { kind: "Node", name, uid: name };
  recordEvent(about, "Normal", "Starting", "Starting kubelet.", "kubelet");
  for (const [, , reason] of conditionRows.slice(0, -1)) {
    const condition = reason.replace("Kubelet", "Node");
    recordEvent(about, "Normal", condition, `Node ${name} status is now: ${condition}`, "kubelet");
  }
  recordEvent(about, "Normal", "NodeReady", `Node ${name} status is now: NodeReady`, "kubelet");
}

/** Kubelets say which storage drivers their node has; these have none. */
async function noteDrivers(store: NodeOptions["store"], name: string, uid: string): Promise<void> {
  const ownerReferences = [{ apiVersion: "v1", kind: "Node", name, uid }];
  await store
    .create("csinodes.storage.k8s.io", { metadata: { name, ownerReferences }, spec: { drivers: [] } })
    .catch(ignoreExisting);
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
      bootID: hostFile("/proc/sys/kernel/random/boot_id"),
      containerRuntimeVersion: "coracle://0.1.0",
      kernelVersion: release(),
      kubeProxyVersion: "",
      kubeletVersion: "v1.36.0",
      machineID: hostFile("/etc/machine-id") || hostname(),
      operatingSystem: "linux",
      osImage: "Coracle (processes of this machine)",
      systemUUID: uuidOf(name),
    },
  };
}

/** The first line of a file of the machine; empty where there is none, as on macOS. */
function hostFile(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}

/** A machine has one UUID and may play several nodes: each node's is made of the machine's identity and its own name. */
function uuidOf(node: string): string {
  const identity = hostFile("/etc/machine-id") || hostname();
  const hex = createHash("sha256").update(`${identity}/${node}`).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    "-",
  );
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
