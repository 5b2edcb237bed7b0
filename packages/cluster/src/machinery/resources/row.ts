/** What a row of the resource table is made of. */
import type { AddressPlan } from "../../network/types.ts";
import type { FieldSchema } from "../fields/schema.ts";
import type { Shape } from "../shape/shape.ts";
import type { ResourceDescriptor, ResourceKey } from "../store.ts";
import type { ApiObject, Stored } from "../types.ts";
import type { FieldError } from "../validation/field-error.ts";

/** What the hooks of a kind may look at beside the object itself. */
export interface WriteContext {
  /** Reads that include writes which are not durable yet. */
  latest(resource: ResourceKey, namespace: string, name: string): Stored<ApiObject> | undefined;
  /** Objects of a namespace, including writes which are not durable yet. */
  present(resource: ResourceKey, namespace: string): readonly Stored<ApiObject>[];
  /** Committed objects of a resource, all namespaces. */
  list(resource: ResourceKey): readonly Stored<ApiObject>[];
  readonly plan: AddressPlan;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Written by the cluster's own parts, which may bind pods. */
  readonly isInternal: boolean;
  /** Hooks that take something (an address, a port) take it here. */
  readonly allocations: Allocations;
  warn(message: string): void;
}

/** Addresses and node ports of Services. */
export interface Allocations {
  /** Takes `wanted`, or any free one. Undefined when it is taken or none is left. */
  takeAddress(owner: string, wanted?: string): string | undefined;
  takeNodePort(owner: string, protocol: string, wanted?: number): number | undefined;
}

/**
 * How a kind differs from the next. Hooks change the draft in place; they run in this order: `defaults`, `admit`, `prepare`, `validate`,
 * `validateUpdate`, `allocate`. `old` is there when an object is replaced.
 */
export interface Strategy {
  /** Paths that field selectors may name beside metadata.name and metadata.namespace. */
  readonly selectableFields?: readonly string[];
  /** Whether a change of anything but metadata and status is a new generation. */
  readonly hasGeneration?: boolean;
  readonly defaults?: (object: ApiObject) => void;
  /** Throws Forbidden. */
  readonly admit?: (object: ApiObject, context: WriteContext, old?: ApiObject) => void;
  /** Sets what the server works out, and carries over what the old object holds. */
  readonly prepare?: (object: ApiObject, context: WriteContext, old?: ApiObject) => void;
  readonly validate?: (object: ApiObject, old?: ApiObject) => readonly FieldError[];
  readonly validateUpdate?: (object: ApiObject, old: ApiObject, context: WriteContext) => readonly FieldError[];
  /** Takes addresses and the like, once nothing else can fail. */
  readonly allocate?: (object: ApiObject, context: WriteContext) => readonly FieldError[];
  /** Rules for the name; a DNS subdomain when absent. */
  readonly nameRule?: NameRule;
  /** Whether a replacement must name the version it replaces. */
  readonly isVersionRequired?: boolean;
  /** Whether PUT creates what is not there. */
  readonly isCreatedByPut?: boolean;
  /** What happens to dependents when the request does not say; Background when absent. */
  readonly propagation?: "Orphan";
}

export type NameRule = "subdomain" | "label" | "label1035" | "pathSegment";

export interface ResourceRow extends ResourceDescriptor {
  readonly key: ResourceKey;
  readonly strategy: Strategy;
  /** How its lists and maps merge. */
  readonly shape: Shape;
  /** Whether its objects have expressions in them, or are judged by some. */
  readonly hasExpressions?: boolean;
  /** Its fields, where the row itself knows them. */
  readonly fields?: FieldSchema;
}

export const apiVersionOf = ({ group, version }: Pick<ResourceDescriptor, "group" | "version">): string =>
  group === "" ? version : `${group}/${version}`;

/** `plural.group` as Kubernetes names a resource in messages; `plural` for core. */
export const keyOfResource = ({ group, plural }: Pick<ResourceDescriptor, "group" | "plural">): ResourceKey =>
  group === "" ? plural : `${plural}.${group}`;

/** `Deployment.apps`; `Pod` for core. */
export const qualifiedKind = ({ group, kind }: Pick<ResourceDescriptor, "group" | "kind">): string =>
  group === "" ? kind : `${kind}.${group}`;
