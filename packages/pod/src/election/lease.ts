/** The Lease object: what is read out of it, and the three whole objects that are ever written. Field for field as client-go's LeaseLock does. */
import type { Lease } from "kubernetes-types/coordination/v1.js";
import { microTime, parseMicroTime } from "./micro-time.ts";
import type { LeaseRecord } from "./types.ts";

/** Tells apart two processes of the same pod name, which `holderIdentity` can't. */
export const incarnationAnnotation = "coracle.dev/incarnation";
/** On a released Lease: the pod that should take it; others hold back for a moment. */
export const handToAnnotation = "coracle.dev/hand-to";

export interface Contender {
  readonly name: string;
  /** `<pod uid>/<process>` where the pod's uid is known; otherwise anything that is new for each process. */
  readonly incarnation: string;
}

type AnnotationChange = Readonly<Record<string, string | null>>;

export const recordOf = (lease: Lease | undefined): LeaseRecord => ({
  // A released Lease has an empty holder (client-go) or none.
  holder: lease?.spec?.holderIdentity || undefined,
  epoch: lease === undefined ? 0 : (lease.spec?.leaseTransitions ?? 0) + 1,
  annotations: lease?.metadata?.annotations ?? {},
});

export const isHeldBy = ({ holder, annotations }: LeaseRecord, { name, incarnation }: Contender): boolean =>
  holder === name && annotations[incarnationAnnotation] === incarnation;

/**
 * Whether an earlier process of this very pod holds it: same name, same pod uid, another process. That process is dead: the kubelet starts
 * a container again only after the old one has ended, and a pod that replaces another has a uid of its own.
 */
export function isHeldByPredecessor(record: LeaseRecord, me: Contender): boolean {
  const podUid = uidOf(me.incarnation);
  const isSamePod = podUid !== undefined && podUid === uidOf(record.annotations[incarnationAnnotation] ?? "");
  return record.holder === me.name && isSamePod && !isHeldBy(record, me);
}

function uidOf(incarnation: string): string | undefined {
  const [uid, process] = incarnation.split("/");
  return process === undefined ? undefined : uid;
}

/** How long the holder's word counts: what the holder recorded, not what the observer would have chosen. */
export const recordedDurationMs = (lease: Lease, fallbackMs: number): number =>
  lease.spec?.leaseDurationSeconds ? lease.spec.leaseDurationSeconds * 1000 : fallbackMs;

/**
 * Changes whenever the holder does something, and only then: somebody else who annotates a dead holder's Lease must not keep it alive.
 */
export const signOfLife = ({ spec }: Lease): string =>
  [spec?.holderIdentity, spec?.leaseTransitions, spec?.renewTime, spec?.leaseDurationSeconds].join("|");

export interface Acquisition {
  readonly me: Contender;
  readonly epoch: number;
  readonly durationMs: number;
  readonly wallMs: number;
  readonly annotations: AnnotationChange;
}

/** The Lease as taken. Without `base` it is a new object to create. */
export function acquired(base: Lease | undefined, name: string, taking: Acquisition): Lease {
  const { me, epoch, durationMs, wallMs, annotations } = taking;
  const now = microTime(wallMs * 1000);
  const marks = { ...annotations, [incarnationAnnotation]: me.incarnation, [handToAnnotation]: null };
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { ...(base?.metadata ?? { name }), annotations: changed(base, marks) },
    spec: {
      ...base?.spec,
      holderIdentity: me.name,
      leaseDurationSeconds: Math.ceil(durationMs / 1000),
      acquireTime: now,
      renewTime: now,
      leaseTransitions: epoch - 1,
    },
  };
}

/** The Lease held on. Its renew time always moves, even when the wall clock stands still or goes back: that movement is the sign of life. */
export function renewed(base: Lease, wallMs: number, annotations: AnnotationChange = {}): Lease {
  const last = parseMicroTime(base.spec?.renewTime) ?? 0;
  const renewTime = microTime(Math.max(wallMs * 1000, last + 1));
  return {
    ...base,
    metadata: { ...base.metadata, annotations: changed(base, annotations) },
    spec: { ...base.spec, renewTime },
  };
}

/** The Lease let go, as client-go does it: nobody holds it, and should anybody misread that, it lasts one second. */
export function released(base: Lease, wallMs: number, handTo: string | undefined): Lease {
  const now = microTime(wallMs * 1000);
  return {
    ...base,
    metadata: { ...base.metadata, annotations: changed(base, { [handToAnnotation]: handTo ?? null }) },
    spec: { ...base.spec, holderIdentity: "", leaseDurationSeconds: 1, acquireTime: now, renewTime: now },
  };
}

function changed(base: Lease | undefined, change: AnnotationChange): Record<string, string> {
  const entries = Object.entries({ ...base?.metadata?.annotations, ...change });
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== null));
}

/** Whether two readings say the same to those who follow the Lease; a mere renewal says nothing new. */
export function isSameRecord(a: LeaseRecord | undefined, b: LeaseRecord | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.holder === b.holder && a.epoch === b.epoch && isSameTexts(a.annotations, b.annotations);
}

function isSameTexts(a: LeaseRecord["annotations"], b: LeaseRecord["annotations"]): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
