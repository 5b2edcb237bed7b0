/** Carries out what the plan says, with Kubernetes' events. */
import type { StatefulSet } from "kubernetes-types/apps/v1.js";
import type { Pod } from "kubernetes-types/core/v1.js";
import type { Stored } from "../../machinery/types.ts";
import type { ControllerContext } from "../harness/context.ts";
import { type Revision, templateOf } from "../revisions/revisions.ts";
import { createClaims } from "./claims.ts";
import { newPod, podIndexLabel, podNameLabel, podNameOf } from "./identity.ts";
import type { Action } from "./plan.ts";

const name = "statefulset-controller";

/** The set with the templates that its pods may be made from. */
export interface SetWithHistory {
  readonly set: Stored<StatefulSet>;
  readonly revisions: readonly Revision[];
}

type ActionOf<Verb extends Action["do"]> = Extract<Action, { do: Verb }>;
type Performer<A> = (context: ControllerContext, view: SetWithHistory, action: A) => Promise<void>;

const performers: { readonly [Verb in Action["do"]]: Performer<ActionOf<Verb>> } = {
  create: createPod,
  delete: deletePod,
  "restore-claims": (context, { set }, { ordinal }) => createClaims(context, set, ordinal),
  "restore-labels": restoreLabels,
};

export const perform: Performer<Action> = (context, view, action) =>
  (performers[action.do] as Performer<Action>)(context, view, action);

async function restoreLabels(
  { store }: ControllerContext,
  _: SetWithHistory,
  { pod, ordinal }: ActionOf<"restore-labels">,
) {
  const { namespace = "", name: podName } = pod.metadata;
  await store.modify("pods", namespace, podName, ({ metadata }) => {
    metadata!.labels = { ...metadata?.labels, [podNameLabel]: podName, [podIndexLabel]: String(ordinal) };
  });
}

async function createPod(context: ControllerContext, view: SetWithHistory, { ordinal, revision }: ActionOf<"create">) {
  const { store, record } = context;
  const { set, revisions } = view;
  await createClaims(context, set, ordinal);
  const kept = revisions.find(({ metadata }) => metadata.name === revision);
  const template = kept ? templateOf(kept) : set.spec!.template;
  const about = `create Pod ${podNameOf(set, ordinal)} in StatefulSet ${set.metadata.name}`;
  try {
    await store.create("pods", newPod(set, template, ordinal, revision), { fieldManager: name });
    record(set, "Normal", "SuccessfulCreate", `${about} successful`, name);
  } catch (error) {
    record(set, "Warning", "FailedCreate", `${about} failed error: ${(error as Error).message}`, name);
    throw error;
  }
}

async function deletePod(context: ControllerContext, { set }: SetWithHistory, { pod, why }: ActionOf<"delete">) {
  const { store, record } = context;
  if (why === "ended") reportEnded(context, set, pod);
  const { namespace = "", name: podName, uid } = pod.metadata;
  await store.delete("pods", namespace, podName, { preconditions: { uid } });
  record(
    set,
    "Normal",
    "SuccessfulDelete",
    `delete Pod ${podName} in StatefulSet ${set.metadata.name} successful`,
    name,
  );
}

function reportEnded({ record }: ControllerContext, set: Stored<StatefulSet>, pod: Stored<Pod>) {
  const { namespace, name: setName } = set.metadata;
  const about = (how: string) => `StatefulSet ${namespace}/${setName} is recreating ${how} Pod ${pod.metadata.name}`;
  if (pod.status?.phase === "Failed") record(set, "Warning", "RecreatingFailedPod", about("failed"), name);
  else record(set, "Normal", "RecreatingTerminatedPod", about("terminated"), name);
}
