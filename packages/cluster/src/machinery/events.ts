/** Events as Kubernetes' client recorder writes them: named after their object, repeated ones counted, floods held back. */
import type { Event, ObjectReference } from "kubernetes-types/core/v1.js";
import type { Clock, Registry, Stored } from "./types.ts";

export type EventType = "Normal" | "Warning";

/**
 * Records that something happened to an object. Returns at once and never fails: what cannot be written is dropped. `host`
 * is the node, for what the kubelet reports.
 */
export type EventRecorder = (
  about: ObjectReference | Stored<object>,
  type: EventType,
  reason: string,
  message: string,
  component: string,
  host?: string,
) => void;

export interface EventRecorderOptions {
  readonly store: Pick<Registry, "create" | "modify">;
  readonly clock: Clock;
}

/** Kubernetes keeps an event for an hour after it was last seen. */
export const eventLifetimeMs = 3_600_000;

const maxRemembered = 4096;
const maxWaiting = 1000;
/** From this many different messages on, events of one reason share one "(combined from similar events)". */
const maxSimilar = 10;
const similarWithinMs = 600_000;
/** Each object may have this many events at once, then one every five minutes. */
const burst = 25;
const refillMs = 300_000;

export const isReference = (about: ObjectReference | Stored<object>): about is ObjectReference =>
  !("metadata" in about);

/** The reference by which an event names its object. */
export function referenceTo(about: ObjectReference | Stored<object>): ObjectReference {
  if (isReference(about)) return about;
  const { apiVersion, kind, metadata } = about;
  const { namespace, name, uid, resourceVersion } = metadata;
  return { apiVersion, kind, ...(namespace && { namespace }), name, uid, resourceVersion };
}

/** A map that forgets what was used longest ago. */
class Recent<V> {
  readonly #entries = new Map<string, V>();

  get(key: string): V | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  set(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= maxRemembered) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
}

interface Sighting {
  readonly about: ObjectReference;
  readonly type: EventType;
  readonly reason: string;
  readonly message: string;
  readonly component: string;
  readonly host?: string;
}

/** Kubernetes' event correlation: decides under which message a sighting is recorded, or that it is one too many. */
class Correlator {
  readonly #tokens = new Recent<{ left: number; sinceMs: number }>();
  readonly #similar = new Recent<{ readonly messages: Set<string>; sinceMs: number }>();

  /** The message to record, or undefined when the object has had its share. */
  admit(sighting: Sighting, now: number): string | undefined {
    const message = this.#combine(sighting, now);
    return this.#takeToken(`${sighting.component} ${objectKey(sighting.about)}`, now) ? message : undefined;
  }

  #combine({ about, type, reason, message, component }: Sighting, now: number): string {
    const key = JSON.stringify([component, objectKey(about), type, reason]);
    const seen = this.#similar.get(key);
    const group = seen && now - seen.sinceMs < similarWithinMs ? seen : { messages: new Set<string>(), sinceMs: now };
    group.sinceMs = now;
    this.#similar.set(key, group);
    if (group.messages.size < maxSimilar) group.messages.add(message);
    return group.messages.has(message) ? message : `(combined from similar events): ${message}`;
  }

  #takeToken(key: string, now: number): boolean {
    const bucket = this.#tokens.get(key) ?? { left: burst, sinceMs: now };
    const refill = Math.floor((now - bucket.sinceMs) / refillMs);
    bucket.left = Math.min(burst, bucket.left + refill);
    bucket.sinceMs += refill * refillMs;
    this.#tokens.set(key, bucket);
    if (bucket.left < 1) return false;
    bucket.left -= 1;
    return true;
  }
}

const objectKey = ({ kind, namespace, name, uid, fieldPath }: ObjectReference) =>
  JSON.stringify([kind, namespace, name, uid, fieldPath]);

const combined = "(combined from similar events)";

/** Sightings with equal keys are one event with a count. */
function eventKey({ about, type, reason, message, component, host }: Sighting): string {
  const text = message.startsWith(combined) ? combined : message;
  return JSON.stringify([component, host, objectKey(about), type, reason, text]);
}

const timestamp = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");

function newEvent({ about, type, reason, message, component, host }: Sighting, name: string, now: number): Event {
  const time = timestamp(now);
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name, namespace: about.namespace || "default" },
    involvedObject: about,
    reason,
    message,
    type,
    source: { component, ...(host && { host }) },
    reportingComponent: component,
    reportingInstance: host ?? "",
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  };
}

/** Adds one to the event's count; false when the event has expired. */
async function countAgain(store: EventRecorderOptions["store"], name: string, sighting: Sighting, now: number) {
  const counted = await store.modify("events", sighting.about.namespace || "default", name, (event) => {
    event.count = (event.count ?? 1) + 1;
    event.lastTimestamp = timestamp(now);
    event.message = sighting.message;
  });
  return counted !== undefined;
}

/**
 * Creates the cluster's event recorder. Sightings of one event are written one after the other, so that a repeat finds the
 * event it counts; at most 1000 wait, further ones are dropped.
 */
export function createEventRecorder({ store, clock }: EventRecorderOptions): EventRecorder {
  const correlator = new Correlator();
  const names = new Recent<string>();
  let waiting = 0;
  const chains = new Map<string, Promise<void>>();
  let sequence = 0n;

  async function write(key: string, sighting: Sighting, now: number): Promise<void> {
    const known = names.get(key);
    if (known && (await countAgain(store, known, sighting, now))) return;
    sequence += 1n;
    const name = `${sighting.about.name}.${(BigInt(now) * 1_000_000n + (sequence % 1_000_000n)).toString(16)}`;
    names.set(key, name);
    await store.create("events", newEvent(sighting, name, now));
  }

  /** Lines up behind the same event's earlier sightings. */
  function lineUp(sighting: Sighting, now: number): Promise<void> {
    const key = eventKey(sighting);
    const turn = (chains.get(key) ?? Promise.resolve())
      .then(() => write(key, sighting, now))
      // An event is a courtesy: a namespace that is going, or a full disk, must not fail what was reported.
      .catch(() => undefined)
      .then(() => {
        if (chains.get(key) === turn) chains.delete(key);
      });
    chains.set(key, turn);
    return turn;
  }

  return (object, type, reason, message, component, host) => {
    const now = clock.now();
    const sighting: Sighting = { about: referenceTo(object), type, reason, message, component, ...(host && { host }) };
    const admitted = correlator.admit(sighting, now);
    if (admitted === undefined || waiting >= maxWaiting) return;
    waiting += 1;
    void lineUp({ ...sighting, message: admitted }, now).then(() => {
      waiting -= 1;
    });
  };
}
