/** What a deletion does to an object: a pure decision. */
import { jsonClone } from "../json.ts";
import type { ResourceRow } from "../resources/row.ts";
import type { ApiObject, DeleteOptions, Stored } from "../types.ts";
import { timestamp } from "./metadata.ts";
import { conflict } from "./refusals.ts";

export type Deletion =
  /** It goes at once. */
  | { readonly kind: "drop" }
  /** It stays, marked, until finalizers are gone or the kubelet has ended it. */
  | { readonly kind: "mark"; readonly object: ApiObject }
  /** It is marked already. */
  | { readonly kind: "none" };

export const foregroundFinalizer = "foregroundDeletion";
export const orphanFinalizer = "orphan";
/** A definition stays until its controller has deleted the objects of its kind. */
export const instancesFinalizer = "customresourcecleanup.apiextensions.k8s.io";

export function checkPreconditions(row: ResourceRow, object: Stored<ApiObject>, options: DeleteOptions): void {
  const { uid, resourceVersion } = options.preconditions ?? {};
  const { metadata } = object;
  if (uid !== undefined && uid !== metadata.uid)
    throw conflict(
      row,
      metadata.name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`,
    );
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion)
    throw conflict(
      row,
      metadata.name,
      `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${metadata.resourceVersion}`,
    );
}

/** Whether nothing holds a marked object any more. */
export function isReleased(row: ResourceRow, object: ApiObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata ?? {};
  if (!deletionTimestamp || finalizers?.length || (deletionGracePeriodSeconds ?? 0) > 0) return false;
  return !holdsContents(row, object);
}

/** A namespace stays until its contents are gone, which is when the namespace controller empties `spec.finalizers`. */
const holdsContents = (row: ResourceRow, object: ApiObject): boolean =>
  row.key === "namespaces" && (object.spec?.finalizers?.length ?? 0) > 0;

export function decideDeletion(
  row: ResourceRow,
  object: Stored<ApiObject>,
  options: DeleteOptions & { readonly finalizers?: readonly string[] },
  now: number,
): Deletion {
  const graceSeconds = row.key === "pods" ? podGrace(object, options.gracePeriodSeconds) : 0;
  const finalizers = [...new Set([...deletionFinalizers(row, object, options), ...(options.finalizers ?? [])])];
  const isHeld = graceSeconds > 0 || finalizers.length > 0 || holdsContents(row, object);
  if (!isHeld) return { kind: "drop" };
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = object.metadata;
  const isShorter = graceSeconds < deletionGracePeriodSeconds;
  const isSame = finalizers.join() === (object.metadata.finalizers ?? []).join();
  if (deletionTimestamp && !isShorter && isSame) return { kind: "none" };
  const draft = jsonClone<ApiObject>(object);
  setFinalizers(draft, finalizers);
  if (!deletionTimestamp || isShorter) mark(row, draft, graceSeconds, now);
  return { kind: "mark", object: draft };
}

function mark(row: ResourceRow, draft: ApiObject, graceSeconds: number, now: number): void {
  const metadata = draft.metadata!;
  metadata.deletionTimestamp = timestamp(now + graceSeconds * 1000);
  metadata.deletionGracePeriodSeconds = graceSeconds;
  if (metadata.generation) metadata.generation += 1;
  if (row.key === "namespaces") draft.status = { ...draft.status, phase: "Terminating" };
}

function setFinalizers(draft: ApiObject, finalizers: readonly string[]): void {
  if (finalizers.length > 0) draft.metadata!.finalizers = [...finalizers];
  else delete draft.metadata!.finalizers;
}

/** A pod that runs nowhere, or has ended, needs no time to stop. */
function podGrace(pod: ApiObject, asked: number | undefined): number {
  const phase = pod.status?.phase;
  if (!pod.spec?.nodeName || phase === "Succeeded" || phase === "Failed") return 0;
  const seconds = asked ?? pod.spec.terminationGracePeriodSeconds ?? 30;
  return seconds < 0 ? 1 : seconds;
}

function deletionFinalizers(row: ResourceRow, object: ApiObject, options: DeleteOptions): string[] {
  const others = (object.metadata?.finalizers ?? []).filter((name) => !policyFinalizers.includes(name));
  const policy = options.propagationPolicy ?? inheritedPolicy(object) ?? row.strategy.propagation;
  if (policy === "Foreground") return [...others, foregroundFinalizer];
  if (policy === "Orphan") return [...others, orphanFinalizer];
  return others;
}

const policyFinalizers = [foregroundFinalizer, orphanFinalizer];

/** Without a policy in the request, the finalizers that the object has say what is wanted. */
function inheritedPolicy(object: ApiObject): DeleteOptions["propagationPolicy"] {
  const finalizers = object.metadata?.finalizers ?? [];
  if (finalizers.includes(orphanFinalizer)) return "Orphan";
  return finalizers.includes(foregroundFinalizer) ? "Foreground" : undefined;
}
