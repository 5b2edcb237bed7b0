/** What is still missing until a deployment serves: pure judgements over objects as the API shows them. */
import type { DaemonSet, Deployment as Deploy, StatefulSet } from "kubernetes-types/apps/v1.js";
import type { Pod, Service } from "kubernetes-types/core/v1.js";
import type { EndpointSlice } from "kubernetes-types/discovery/v1.js";

/** Says what the workload still waits for; undefined when it is ready. */
export function workloadPending(object: StatefulSet | Deploy | DaemonSet): string | undefined {
  const name = `${object.kind?.toLowerCase()}/${object.metadata?.name}`;
  const status = (object.status ?? {}) as Record<string, number | undefined>;
  if ((status.observedGeneration ?? 0) < (object.metadata?.generation ?? 0))
    return `${name} to be seen by its controller`;
  const wanted = wantedReplicas(object, status);
  const updated = object.kind === "DaemonSet" ? status.updatedNumberScheduled : status.updatedReplicas;
  const ready = (object.kind === "DaemonSet" ? status.numberReady : status.readyReplicas) ?? 0;
  if (ready < wanted) return `${name}: ${ready} of ${wanted} pods ready`;
  if ((updated ?? 0) < wanted) return `${name}: ${updated ?? 0} of ${wanted} pods updated`;
  return undefined;
}

function wantedReplicas(object: StatefulSet | Deploy | DaemonSet, status: Record<string, number | undefined>): number {
  return object.kind === "DaemonSet" ? (status.desiredNumberScheduled ?? 1) : ((object as Deploy).spec?.replicas ?? 1);
}

/** Says what the Service still waits for: a ready endpoint, and an address when it is a load balancer that this cluster serves. */
export function servicePending(service: Service, slices: readonly EndpointSlice[]): string | undefined {
  const name = `service/${service.metadata?.name}`;
  if (!service.spec?.selector) return undefined;
  const endpoints = slices.flatMap((slice) => slice.endpoints ?? []);
  return endpoints.some(({ conditions }) => conditions?.ready !== false)
    ? undefined
    : `${name} to have an endpoint (${selectorText(service.spec.selector)})`;
}

/**
 * On a workload, or a Service, without which the system still serves: what is then different, as a sentence for the user. Such an object is
 * waited for a little, and its absence is told instead of failing the deployment.
 */
export const optionalAnnotation = "coracle.dev/optional";

export const optionalNote = (object: {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
}): string | undefined => object.metadata?.annotations?.[optionalAnnotation];

const selectorText = (selector: Readonly<Record<string, string>>): string =>
  Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");

const hopeless = new Set([
  "ErrImagePull",
  "ImagePullBackOff",
  "InvalidImageName",
  "CreateContainerConfigError",
  "ErrImageNeverPull",
]);
const patienceRestarts = 3;

/** Says why waiting for this pod makes no sense any more; undefined while there is hope. */
export function podHopeless(pod: Pod): string | undefined {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  for (const { name, state, restartCount } of statuses) {
    const { reason = "", message } = state?.waiting ?? {};
    const isStuck = hopeless.has(reason) || (reason === "CrashLoopBackOff" && restartCount >= patienceRestarts);
    if (isStuck) return `container ${name} of pod ${pod.metadata?.name}: ${reason}${message ? `: ${message}` : ""}`;
  }
  return undefined;
}

/** Names each container that no readiness probe watches, with its state: another name whenever it starts, ends or starts again. */
export function unprobed({ metadata, spec, status }: Pod): string[] {
  const probed = new Set(spec?.containers.filter((each) => each.readinessProbe).map(({ name }) => name));
  return (status?.containerStatuses ?? [])
    .filter(({ name }) => !probed.has(name))
    .map(({ name, restartCount, state = {} }) => [metadata?.uid, name, restartCount, ...Object.keys(state)].join("/"));
}
