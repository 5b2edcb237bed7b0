/**
 * Faults that only the embedded cluster can inject (`faults.coracle.dev/v1`): on any other they are skipped, and the report says so. Each is in force for
 * the drill's hold time, under load, and then taken away; what the system must do meanwhile is to lose nothing.
 */
import { isKubeError, type KubeClient, resource } from "@coracle/kube";
import { DrillError } from "../errors.ts";
import type { Ground } from "../site.ts";
import type { Fault, Strike } from "./types.ts";

const HOUR_MS = 3_600_000;
/** Ends by itself so long after the drill would have ended it, should the drill be killed. */
const SPARE_MS = 60_000;

interface FaultObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: { readonly name?: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

const API_VERSION = "faults.coracle.dev/v1";
const faultObjects = resource<FaultObject>(API_VERSION, "faults", { namespaced: false });

interface Row {
  readonly summary: string;
  /** Whom it hits. */
  readonly on: "leader" | "members";
  /** Kind and settings, as `coracle fault kinds` lists them. */
  readonly spec: Readonly<Record<string, unknown>>;
}

const ROWS = {
  "api-away": { on: "members", summary: "the API answers 503", spec: { kind: "api-error", code: 503 } },
  "api-hang": { on: "members", summary: "the API does not answer", spec: { kind: "api-hang" } },
  "api-conflict": {
    on: "members",
    summary: "the API answers every second write 409",
    spec: { kind: "api-error", code: 409, verbs: ["update", "patch"], probability: 0.5 },
  },
  "api-gone": {
    on: "members",
    summary: "the API answers watches 410",
    spec: { kind: "api-error", code: 410, verbs: ["watch"] },
  },
  "api-lost-answer": {
    on: "members",
    summary: "the API performs every second write without answering",
    spec: { kind: "api-lose-answer", verbs: ["update", "patch"], probability: 0.5 },
  },
  "watch-drop": {
    on: "members",
    summary: "watches are cut again and again",
    spec: { kind: "api-drop-watches", afterMs: 500 },
  },
  "dns-away": { on: "members", summary: "DNS answers SERVFAIL", spec: { kind: "dns-error", code: "SERVFAIL" } },
  "clock-forward": {
    on: "leader",
    summary: "the leader's clock an hour ahead",
    spec: { kind: "clock-skew", offsetMs: HOUR_MS },
  },
  "clock-back": {
    on: "leader",
    summary: "the leader's clock an hour behind",
    spec: { kind: "clock-skew", offsetMs: -HOUR_MS },
  },
  "disk-full": { on: "leader", summary: "no room on the leader's disk", spec: { kind: "volume-full" } },
  "disk-slow": {
    on: "leader",
    summary: "each fsync of the leader takes 300 ms longer",
    spec: { kind: "fsync-delay", delayMs: 300 },
  },
} satisfies Readonly<Record<string, Row>>;

const injected = (name: string, { on, summary, spec }: Row): Fault => ({
  endsTerm: false,
  summary: `${summary} (embedded cluster only)`,
  inject: async (strike) => ({
    how: `${summary}, for ${strike.holdMs / 1000} s`,
    lasts: true,
    heal: await injectFault(strike.ground, name, { ...spec, ...targetOf(strike, on) }, strike.holdMs),
  }),
});

/**
 * Injects a fault of the embedded cluster, described as `coracle fault kinds` lists them. Returns how to heal it; forgotten, it heals itself a minute
 * after `holdMs`. Faults that have no duration, such as a kill, take undefined. Rejects with `impossible` on other clusters.
 */
export async function injectFault(
  { kube }: Pick<Ground, "kube">,
  name: string,
  spec: Readonly<Record<string, unknown>>,
  holdMs: number | undefined,
): Promise<() => Promise<void>> {
  const metadata = { name: `drill-${name}` };
  const duration = holdMs !== undefined && { durationMs: holdMs + SPARE_MS };
  await create(kube, { apiVersion: API_VERSION, kind: "Fault", metadata, spec: { ...spec, ...duration } });
  return () => remove(kube, metadata.name);
}

function targetOf({ ground, leader }: Strike, on: Row["on"]): Readonly<Record<string, unknown>> {
  const { namespace, labels } = ground;
  if (on === "leader") return { namespace, pods: [leader.name] };
  const selector = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return { namespace, selector: selector.join(",") };
}

async function create(kube: KubeClient, fault: FaultObject): Promise<void> {
  try {
    await kube.create(faultObjects, fault);
  } catch (error) {
    if (isKubeError(error, "not-found"))
      throw new DrillError("impossible", "this cluster can't inject faults: it is not the embedded one");
    throw error;
  }
}

async function remove(kube: KubeClient, name: string): Promise<void> {
  await kube.delete(faultObjects, name).catch((error: unknown) => {
    if (!isKubeError(error, "not-found")) throw error;
  });
}

type InjectedName = keyof typeof ROWS;

/** What one of them injects, without whom it hits: for scenarios, which choose that themselves. */
export const injectedSpec = (name: InjectedName): Readonly<Record<string, unknown>> => ROWS[name].spec;

export const injectedFaults = Object.fromEntries(
  Object.entries(ROWS).map(([name, row]) => [name, injected(name, row)]),
) as Readonly<Record<InjectedName, Fault>>;
