/** Which events a fact is worth, in Kubernetes' words. Pure. */
import type { Pod } from "kubernetes-types/core/v1.js";
import { containerNamed, type Fact } from "./facts.ts";
import type { PodState } from "./state.ts";

export interface Note {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
  /** The container it is about, for the event's fieldPath. */
  readonly container?: string;
}

const probeNames = { startup: "Startup", liveness: "Liveness", readiness: "Readiness" } as const;

type Notes<F> = (fact: F, after: PodState, pod: Pod) => readonly Note[];

const notes: { readonly [T in Fact["type"]]?: Notes<Extract<Fact, { type: T }>> } = {
  prepareFailed: ({ message }) => [warning("FailedMount", message)],
  started: ({ name }, _, pod) => [
    ...pulled(pod, name),
    normal("Created", "Container created", name),
    normal("Started", "Container started", name),
  ],
  startFailed: ({ name, reason, message }, _, pod) =>
    reason === "ErrImagePull"
      ? [
          normal("Pulling", `Pulling image "${imageOf(pod, name)}"`, name),
          warning("Failed", `Failed to pull image "${imageOf(pod, name)}": ${message}`, name),
          warning("Failed", "Error: ErrImagePull", name),
        ]
      : [
          ...(reason === "CreateContainerConfigError" ? pulled(pod, name) : []),
          warning(
            reason === "InvalidImageName" ? "InspectFailed" : "Failed",
            reason === "InvalidImageName" ? message : `Error: ${message}`,
            name,
          ),
        ],
  exited: ({ name, reason, message }, _, pod) =>
    reason === "StartError"
      ? [
          ...pulled(pod, name),
          normal("Created", "Container created", name),
          warning("Failed", `Error: ${message}`, name),
        ]
      : [],
  hookFailed: ({ name, message }) => [warning("FailedPostStartHook", `PostStartHook failed: ${message}`, name)],
  probed: ({ name, kind, ok, output }, after) => {
    const counted = after.containers[name]?.probes[kind]?.failures ?? 0;
    const { doomed } = after.containers[name] ?? {};
    if (ok || counted === 0) return [];
    const unhealthy = warning("Unhealthy", `${probeNames[kind]} probe failed: ${output}`, name);
    return doomed === undefined
      ? [unhealthy]
      : [unhealthy, normal("Killing", `Container ${name} failed ${doomed} probe, will be restarted`, name)];
  },
  announced: ({ name }, after, pod) =>
    after.containers[name]?.waiting?.reason === "ImagePullBackOff"
      ? [
          normal("BackOff", `Back-off pulling image "${imageOf(pod, name)}"`, name),
          warning("Failed", "Error: ImagePullBackOff", name),
        ]
      : [warning("BackOff", `Back-off restarting failed container ${name} in pod ${podTag(pod)}`, name)],
  stopping: ({ name }, after) =>
    after.containers[name]?.doomed === undefined ? [normal("Killing", `Stopping container ${name}`, name)] : [],
  failed: ({ reason, message }) => [warning(reason, message)],
};

/** Nothing is ever pulled here; the events tell what the pull policy promises. */
function pulled(pod: Pod, name: string): readonly Note[] {
  const image = imageOf(pod, name);
  if (containerNamed(pod, name).imagePullPolicy !== "Always") {
    return [
      normal("Pulled", `Container image "${image}" already present on machine and can be accessed by the pod`, name),
    ];
  }
  const message = `Successfully pulled image "${image}" in 1ms (1ms including waiting). Image size: 0 bytes.`;
  return [normal("Pulling", `Pulling image "${image}"`, name), normal("Pulled", message, name)];
}

export function notesOn(fact: Fact, after: PodState, pod: Pod): readonly Note[] {
  const write = notes[fact.type] as Notes<Fact> | undefined;
  return write?.(fact, after, pod) ?? [];
}

const note = (type: Note["type"], reason: string, message: string, container: string | undefined): Note => ({
  type,
  reason,
  message,
  ...(container !== undefined && { container }),
});

const normal = (reason: string, message: string, container?: string): Note =>
  note("Normal", reason, message, container);
const warning = (reason: string, message: string, container?: string): Note =>
  note("Warning", reason, message, container);

const imageOf = (pod: Pod, name: string): string => containerNamed(pod, name).image ?? "";

const podTag = ({ metadata }: Pod): string => `${metadata?.name}_${metadata?.namespace}(${metadata?.uid})`;

/** The event's fieldPath: `spec.containers{web}`. */
export function fieldPathOf(pod: Pod, container: string): string {
  const lists = ["initContainers", "ephemeralContainers"] as const;
  const list = lists.find((each) => pod.spec?.[each]?.some(({ name }) => name === container)) ?? "containers";
  return `spec.${list}{${container}}`;
}
