/**
 * The words that the parts of the cluster share: objects, resource names, and the registry through
 * which controllers, the kubelet, DNS and the proxy read and write them.
 */
import type { ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet } from "kubernetes-types/apps/v1.js";
import type { CronJob, Job } from "kubernetes-types/batch/v1.js";
import type { CertificateSigningRequest } from "kubernetes-types/certificates/v1.js";
import type { Lease } from "kubernetes-types/coordination/v1.js";
import type {
  ConfigMap,
  Endpoints,
  Event,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  ReplicationController,
  Secret,
  Service,
  ServiceAccount,
} from "kubernetes-types/core/v1.js";
import type { EndpointSlice } from "kubernetes-types/discovery/v1.js";
import type { ObjectMeta } from "kubernetes-types/meta/v1.js";
import type { Ingress, IngressClass, NetworkPolicy } from "kubernetes-types/networking/v1.js";
import type { PodDisruptionBudget } from "kubernetes-types/policy/v1.js";
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from "kubernetes-types/rbac/v1.js";
import type { StorageClass } from "kubernetes-types/storage/v1.js";
import type { Fault } from "../faults/types.ts";

/** Metadata of an object that is being made: the server's fields can be set. */
export type MutableMeta = { -readonly [Field in keyof ObjectMeta]: ObjectMeta[Field] };

/** Any Kubernetes object as JSON. */
export interface ApiObject {
  apiVersion?: string;
  kind?: string;
  metadata?: MutableMeta;
  // biome-ignore lint/suspicious/noExplicitAny: an object's body is open JSON; kinds narrow it.
  [field: string]: any;
}

/** Resource name (`plural` for core, `plural.group` otherwise) to its object type. A new kind is a row here and in the resource table. */
export interface ResourceTypes {
  namespaces: Namespace;
  nodes: Node;
  pods: Pod;
  services: Service;
  endpoints: Endpoints;
  configmaps: ConfigMap;
  secrets: Secret;
  serviceaccounts: ServiceAccount;
  persistentvolumes: PersistentVolume;
  persistentvolumeclaims: PersistentVolumeClaim;
  events: Event;
  "statefulsets.apps": StatefulSet;
  "deployments.apps": Deployment;
  replicationcontrollers: ReplicationController;
  "replicasets.apps": ReplicaSet;
  "daemonsets.apps": DaemonSet;
  "controllerrevisions.apps": ControllerRevision;
  "jobs.batch": Job;
  "cronjobs.batch": CronJob;
  "poddisruptionbudgets.policy": PodDisruptionBudget;
  "certificatesigningrequests.certificates.k8s.io": CertificateSigningRequest;
  "leases.coordination.k8s.io": Lease;
  "roles.rbac.authorization.k8s.io": Role;
  "rolebindings.rbac.authorization.k8s.io": RoleBinding;
  "clusterroles.rbac.authorization.k8s.io": ClusterRole;
  "clusterrolebindings.rbac.authorization.k8s.io": ClusterRoleBinding;
  "ingresses.networking.k8s.io": Ingress;
  "ingressclasses.networking.k8s.io": IngressClass;
  "networkpolicies.networking.k8s.io": NetworkPolicy;
  "endpointslices.discovery.k8s.io": EndpointSlice;
  "storageclasses.storage.k8s.io": StorageClass;
  "faults.faults.coracle.dev": Fault;
}

/** A resource with a static type. Custom resources use any other `plural.group` string and `ApiObject`. */
export type ResourceName = keyof ResourceTypes;

type Resource<R extends string> = R extends ResourceName ? ResourceTypes[R] : ApiObject;

/**
 * An object as it stands in the registry. Invariants: it is deeply frozen and shared by all readers (copy with
 * `structuredClone` before changing it); name, uid, resourceVersion and creationTimestamp are set; namespace is `""`
 * for cluster-scoped kinds only in the arguments of the registry, never in the object.
 */
export type Stored<T> = T & {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta & { name: string; uid: string; resourceVersion: string; creationTimestamp: string };
};

export type WatchEventType = "ADDED" | "MODIFIED" | "DELETED";

export interface Change<T> {
  readonly type: WatchEventType;
  /** The object after the change; for DELETED its last state, with the deletion's resourceVersion. */
  readonly object: Stored<T>;
  /** The object before the change; absent for ADDED. */
  readonly previous?: Stored<T>;
}

export interface WriteOptions {
  /** Who writes: recorded in managedFields. Controllers use their Kubernetes name, such as `statefulset-controller`. */
  readonly fieldManager?: string;
  readonly subresource?: "status" | "scale";
  readonly dryRun?: boolean;
}

export interface DeleteOptions {
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan";
  /** Seconds; a pod's default is its terminationGracePeriodSeconds, 0 removes the object at once. */
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: boolean;
}

export interface ListOptions {
  readonly namespace?: string;
  /** A label selector in kubectl's syntax (`app=web,tier!=db`) or exact labels. */
  readonly labels?: string | Readonly<Record<string, string>>;
}

/**
 * The in-process API. Reads are synchronous and see every write that has been acknowledged; writes resolve when durable
 * and reject with `StatusError` (machinery/errors.ts) carrying Kubernetes' reason: NotFound, AlreadyExists, Conflict, Invalid...
 * Writes pass the same defaulting, validation and admission as requests over HTTP.
 */
export interface Registry {
  get<R extends string>(resource: R, namespace: string, name: string): Stored<Resource<R>> | undefined;
  list<R extends string>(resource: R, options?: ListOptions): readonly Stored<Resource<R>>[];
  create<R extends string>(resource: R, object: Resource<R>, options?: WriteOptions): Promise<Stored<Resource<R>>>;
  /** Replaces the object; a `metadata.resourceVersion` that is not the current one is a Conflict. */
  update<R extends string>(resource: R, object: Resource<R>, options?: WriteOptions): Promise<Stored<Resource<R>>>;
  /**
   * Reads, changes a private copy through `change`, and writes it, again on Conflict (at most 10 times). Writes nothing when the copy
   * is left equal. Returns undefined when the object does not exist or `change` returns `false`.
   */
  modify<R extends string>(
    resource: R,
    namespace: string,
    name: string,
    // biome-ignore lint/suspicious/noConfusingVoidType: a change that returns nothing means "write".
    change: (draft: Resource<R>) => false | void,
    options?: WriteOptions,
  ): Promise<Stored<Resource<R>> | undefined>;
  delete(resource: string, namespace: string, name: string, options?: DeleteOptions): Promise<void>;
  /**
   * Calls `listener` synchronously with ADDED for every present object, then with every change in order. Listeners must not
   * throw and must not block; they usually put a key on a queue. Returns the unsubscribe function.
   */
  subscribe<R extends string>(resource: R, listener: (change: Change<Resource<R>>) => void): () => void;
}

/** Time as the cluster sees it; tests step it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `callback` once after `ms`; returns the cancel function. Never keeps the process alive by itself. */
  after(ms: number, callback: () => void): () => void;
}
