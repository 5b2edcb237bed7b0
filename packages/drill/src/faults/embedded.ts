/** Faults that only the embedded cluster can inject: objects of its own kind. Elsewhere they are skipped, with the reason. */
import { setTimeout as delay } from "node:timers/promises";
import { isKubeError, resource } from "@coracle/kube";
import { DrillError } from "../errors.ts";
import type { Fault, Strike } from "./types.ts";

interface FaultObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: object;
  readonly status?: { readonly phase?: string; readonly message?: string };
}

const API_VERSION = "faults.coracle.dev/v1";
const objects = resource<FaultObject>(API_VERSION, "faults", { namespaced: false });
const NAME = "coracle-drill";
/** How long a fault stays that takes no leader away. */
const STAY_MS = 3000;

type Spec = Readonly<Record<string, unknown>>;

/** A row: what happens, whether the leader goes, and to whom it happens. */
interface Row {
  readonly endsTerm: boolean;
  readonly summary: string;
  readonly spec: (strike: Strike) => Spec;
}

const others = ({ ground, leader }: Strike): string[] =>
  ground.access
    .members()
    .map(({ name }) => name)
    .filter((name) => name !== leader.name);

/** The leader and as many others as leave a majority on the other side. */
function minority(strike: Strike): { readonly few: string[]; readonly many: string[] } {
  const rest = others(strike);
  const size = Math.floor(rest.length / 2);
  return { few: [strike.leader.name, ...rest.slice(0, size - 1)], many: rest.slice(Math.max(0, size - 1)) };
}

const labelsOf = ({ ground }: Strike): string =>
  Object.entries(ground.labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");

const rows: Readonly<Record<"minority" | "one-way" | "clock" | "disk-full" | "api-away" | "dns-away", Row>> = {
  minority: {
    endsTerm: true,
    summary: "the leader and others, less than half, cut off from the rest together",
    spec: (strike) => ({ kind: "partition", pods: minority(strike).few, from: minority(strike).many }),
  },
  "one-way": {
    endsTerm: true,
    summary: "the leader hears nobody, while the others still hear it",
    spec: (strike) => ({ kind: "partition", pods: [strike.leader.name], from: others(strike), direction: "in" }),
  },
  clock: {
    endsTerm: false,
    summary: "the leader's clock an hour ahead",
    spec: ({ leader }) => ({ kind: "clock-skew", pods: [leader.name], offsetMs: 3_600_000 }),
  },
  "disk-full": {
    endsTerm: false,
    summary: "no room on the leader's disk",
    spec: ({ leader }) => ({ kind: "volume-full", pods: [leader.name] }),
  },
  "api-away": {
    endsTerm: false,
    summary: "the Kubernetes API answers no member",
    spec: (strike) => ({ kind: "api-hang", selector: labelsOf(strike) }),
  },
  "dns-away": {
    endsTerm: false,
    summary: "DNS fails for every member",
    spec: (strike) => ({ kind: "dns-error", selector: labelsOf(strike), code: "SERVFAIL" }),
  },
};

const faultOf = ({ endsTerm, summary, spec }: Row): Fault => ({
  endsTerm,
  summary,
  async inject(strike) {
    const { namespace } = strike.ground;
    const wanted = { namespace, ...spec(strike) };
    await create(strike, wanted);
    return {
      how: Object.entries(wanted)
        .map(([key, value]) => `${key}=${String(value)}`)
        .join(" "),
      ...(!endsTerm && { completed: () => delay(STAY_MS) }),
      heal: () => remove(strike),
    };
  },
});

async function create({ ground: { kube }, waitFor }: Strike, spec: Spec): Promise<void> {
  const object = { apiVersion: API_VERSION, kind: "Fault", metadata: { name: NAME }, spec };
  try {
    await kube.create(objects, object);
  } catch (error) {
    if (!isKubeError(error, "not-found")) throw error;
    throw new DrillError("impossible", "this cluster can't inject it; the embedded one can");
  }
  let status: FaultObject["status"];
  await waitFor("the fault to be in force", async () => {
    ({ status } = await kube.get(objects, NAME));
    return status?.phase !== undefined;
  });
  if (status?.phase !== "Failed") return;
  await kube.delete(objects, NAME);
  throw new DrillError("impossible", status.message ?? "the fault could not be injected");
}

async function remove({ ground: { kube } }: Strike): Promise<void> {
  await kube.delete(objects, NAME).catch((error: unknown) => {
    if (!isKubeError(error, "not-found")) throw error;
  });
}

export const embeddedFaults = {
  minority: faultOf(rows.minority),
  "one-way": faultOf(rows["one-way"]),
  clock: faultOf(rows.clock),
  "disk-full": faultOf(rows["disk-full"]),
  "api-away": faultOf(rows["api-away"]),
  "dns-away": faultOf(rows["dns-away"]),
};
